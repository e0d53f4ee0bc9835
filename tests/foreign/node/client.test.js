// Each public operation of `dynamics-web-api`, against the emulator.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { DynamicsWebApi } from "dynamics-web-api";

const URL_OF_EMULATOR = process.env.EMULATOR_URL;
const ACCOUNT = "a1000000-0000-0000-0000-000000000001";
const OTHER = "a1000000-0000-0000-0000-000000000002";
const CONTACT = "c1000000-0000-0000-0000-000000000001";

async function token() {
    const form = new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "foreign",
        client_secret: "any",
    });
    const answer = await fetch(`${URL_OF_EMULATOR}/tenant/oauth2/v2.0/token`, {
        method: "POST",
        body: form,
    });
    return (await answer.json()).access_token;
}

// Operations that no test has called yet.
let uncalled;

// Notes each call of an operation.
function watched(made) {
    const operations = Object.keys(made).filter((name) => typeof made[name] === "function");
    uncalled ??= new Set(operations);
    for (const name of operations) {
        const operation = made[name];
        made[name] = (...args) => {
            uncalled.delete(name);
            return operation(...args);
        };
    }
    return made;
}

function client(config = {}) {
    return watched(new DynamicsWebApi({
        serverUrl: URL_OF_EMULATOR,
        onTokenRefresh: token,
        dataApi: { version: "9.2" },
        searchApi: { version: "2.0" },
        ...config,
    }));
}

after(() => assert.deepEqual([...uncalled], [], "no test calls these operations"));

async function control(what, body) {
    const answer = await fetch(`${URL_OF_EMULATOR}/emulator/${what}`, {
        method: "POST",
        body: JSON.stringify(body ?? null),
    });
    assert.equal(answer.status, 204);
}

function label(text) {
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        LocalizedLabels: [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
                Label: text,
                LanguageCode: 1033,
            },
        ],
    };
}

function column(kind, name, more = {}) {
    return {
        "@odata.type": `Microsoft.Dynamics.CRM.${kind}AttributeMetadata`,
        SchemaName: name,
        DisplayName: label(name),
        RequiredLevel: { Value: "None" },
        ...more,
    };
}

function widget() {
    return {
        SchemaName: "new_Widget",
        DisplayName: label("Widget"),
        DisplayCollectionName: label("Widgets"),
        OwnershipType: "UserOwned",
        HasActivities: false,
        HasNotes: false,
        IsActivity: false,
        Attributes: [column("String", "new_Name", { IsPrimaryName: true, MaxLength: 100 })],
    };
}

const same = (left, right) => left.toLowerCase() === right.toLowerCase();
let api;

beforeEach(async () => {
    await control("reset");
    api = client();
});

test("create", async () => {
    const id = await api.create({ collection: "accounts", data: { name: "Contoso" } });
    assert.match(id, /^[0-9a-f-]{36}$/);
    const made = await api.create({
        collection: "contacts",
        data: { lastname: "x", "parentcustomerid_account@odata.bind": `/accounts(${id})` },
        returnRepresentation: true,
        select: ["lastname", "_parentcustomerid_value"],
    });
    assert.ok(same(made._parentcustomerid_value, id));
});

test("create with related rows", async () => {
    const id = await api.create({
        collection: "accounts",
        data: { name: "deep", contact_customer_accounts: [{ lastname: "a" }, { lastname: "b" }] },
    });
    const read = await api.retrieve({
        collection: "accounts",
        key: id,
        select: ["name"],
        expand: [{ property: "contact_customer_accounts", select: ["lastname"] }],
    });
    assert.equal(read.contact_customer_accounts.length, 2);
});

test("retrieve", async () => {
    const read = await api.retrieve({
        collection: "accounts",
        key: `{${ACCOUNT.toUpperCase()}}`,
        select: ["name", "_transactioncurrencyid_value"],
        includeAnnotations: "*",
    });
    assert.equal(read.name, "Fourth Coffee (sample)");
    assert.equal(read._transactioncurrencyid_value_Formatted, "Euro");
    const again = await api.retrieve({
        collection: "accounts",
        key: ACCOUNT,
        select: ["name"],
        ifnonematch: read["@odata.etag"],
    });
    assert.equal(again ?? null, null);
    const parent = await api.retrieve({
        collection: "contacts",
        key: CONTACT,
        navigationProperty: "parentcustomerid_account",
        select: ["name"],
    });
    assert.equal(parent.name, "Fourth Coffee (sample)");
    await assert.rejects(
        api.retrieve({ collection: "accounts", key: "00000000-0000-0000-0000-00000000dead" }),
        (error) => error.status === 404 && error.code === "0x80040217",
    );
});

test("update and single properties", async () => {
    await api.update({ collection: "accounts", key: ACCOUNT, data: { fax: "1" } });
    const changed = await api.update({
        collection: "accounts",
        key: ACCOUNT,
        data: { fax: "2" },
        returnRepresentation: true,
        select: ["fax"],
    });
    assert.equal(changed.fax, "2");
    await api.updateSingleProperty({
        collection: "accounts",
        key: ACCOUNT,
        fieldValuePair: { fax: "3" },
    });
    await api.deleteRecord({ collection: "accounts", key: ACCOUNT, property: "telephone1" });
    const read = await api.retrieve({
        collection: "accounts",
        key: ACCOUNT,
        select: ["fax", "telephone1"],
    });
    assert.deepEqual([read.fax, read.telephone1], ["3", null]);
    const stale = await api.update({
        collection: "accounts",
        key: ACCOUNT,
        data: { fax: "4" },
        ifmatch: 'W/"1"',
    });
    assert.equal(stale, false);
});

test("upsert and delete", async () => {
    const id = "12345678-0000-0000-0000-000000000001";
    const made = await api.upsert({ collection: "accounts", key: id, data: { name: "u" } });
    assert.ok(same(made, id));
    const kept = await api.upsert({
        collection: "accounts",
        key: id,
        data: { name: "v" },
        ifnonematch: "*",
    });
    assert.equal(kept, null);
    await api.deleteRecord({ collection: "accounts", key: id });
    const missing = await api.upsert({
        collection: "accounts",
        key: id,
        data: { name: "w" },
        ifmatch: "*",
    });
    assert.equal(missing, null);
});

test("alternate keys", async () => {
    await fetch(`${URL_OF_EMULATOR}/api/data/v9.2/EntityDefinitions(LogicalName='account')/Keys`, {
        method: "POST",
        headers: { authorization: "Bearer any", "content-type": "application/json" },
        body: JSON.stringify({ SchemaName: "new_Number", KeyAttributes: ["accountnumber"] }),
    });
    const key = "accountnumber='O''K 1'";
    await api.upsert({ collection: "accounts", key, data: { name: "by key" } });
    const read = await api.retrieve({ collection: "accounts", key, select: ["name"] });
    assert.equal(read.name, "by key");
});

test("retrieve many", async () => {
    const all = await api.retrieveMultiple({
        collection: "accounts",
        select: ["name"],
        filter: "contains(name,'sample') and numberofemployees gt 30",
        orderBy: ["name desc"],
        top: 2,
        count: true,
        expand: [{ property: "parentaccountid", select: ["name"] }],
    });
    assert.equal(all.value.length, 2);
    assert.equal(all.oDataCount, 3);
    const first = await api.retrieveMultiple({
        collection: "accounts",
        select: ["name"],
        maxPageSize: 2,
    });
    assert.equal(first.value.length, 2);
    const second = await api.retrieveMultiple(
        { collection: "accounts", select: ["name"], maxPageSize: 2 },
        first.oDataNextLink,
    );
    assert.equal(second.value.length, 1);
    assert.equal(second.oDataNextLink, undefined);
    const grouped = await api.retrieveMultiple({
        collection: "accounts",
        apply: "groupby((address1_country),aggregate(revenue with sum as total))",
    });
    assert.equal(grouped.value[0].total, 90000);
    const functions = await api.retrieveMultiple({
        collection: "accounts",
        select: ["name"],
        filter: "Microsoft.Dynamics.CRM.In(PropertyName='numberofemployees',PropertyValues=['40','120'])",
    });
    assert.equal(functions.value.length, 2);
});

test("retrieve all, count, count all", async () => {
    for (let group = 0; group < 3; group += 1) {
        await api.create({
            collection: "accounts",
            data: { name: "with many", contact_customer_accounts: [{ lastname: "m" }] },
        });
    }
    const all = await api.retrieveAll({ collection: "accounts", select: ["name"], maxPageSize: 2 });
    assert.equal(all.value.length, 6);
    assert.equal(await api.count({ collection: "accounts" }), 6);
    assert.equal(await api.count({ collection: "accounts", filter: "name eq 'with many'" }), 3);
    assert.equal(
        await api.countAll({ collection: "accounts", filter: "name eq 'with many'", select: ["name"] }),
        3,
    );
});

test("long URLs go in a batch", async () => {
    const names = Array.from({ length: 60 }, (_, n) => `name eq 'a name that nobody has ${n}'`);
    const found = await api.retrieveMultiple({
        collection: "accounts",
        select: ["name"],
        filter: [...names, "startswith(name,'Fourth')"].join(" or "),
    });
    assert.equal(found.value.length, 1);
});

test("changes are tracked", async () => {
    const tracked = await api.retrieveMultiple({
        collection: "accounts",
        select: ["name"],
        trackChanges: true,
    });
    await api.update({ collection: "accounts", key: ACCOUNT, data: { name: "changed" } });
    await api.deleteRecord({ collection: "accounts", key: "a1000000-0000-0000-0000-000000000003" });
    const changed = await api.retrieveMultiple(
        { collection: "accounts", select: ["name"], trackChanges: true },
        tracked.oDataDeltaLink,
    );
    assert.equal(changed.value.length, 2);
    assert.ok(changed.value.some((row) => row.reason === "deleted"));
});

test("fetch", async () => {
    const xml =
        "<fetch mapping='logical'><entity name='account'><attribute name='name'/>" +
        "<order attribute='name'/></entity></fetch>";
    const page = await api.fetch({
        collection: "accounts",
        fetchXml: xml.replace("<fetch ", "<fetch count='2' "),
        includeAnnotations: "*",
    });
    assert.equal(page.value.length, 2);
    const next = await api.fetch({
        collection: "accounts",
        fetchXml: xml.replace("<fetch ", "<fetch count='2' "),
        includeAnnotations: "*",
        pageNumber: page.PagingInfo.nextPage,
        pagingCookie: page.PagingInfo.cookie,
    });
    assert.equal(next.value.length, 1);
    const all = await api.fetchAll({
        collection: "accounts",
        fetchXml: xml.replace("<fetch ", "<fetch count='1' "),
        includeAnnotations: "*",
    });
    assert.equal(all.value.length, 3);
});

test("associate and disassociate", async () => {
    const contacts = async (id) => {
        const row = await api.retrieve({
            collection: "accounts",
            key: id,
            select: ["name"],
            expand: [{ property: "contact_customer_accounts", select: ["fullname"] }],
        });
        return row.contact_customer_accounts.length;
    };
    const relation = {
        collection: "accounts",
        primaryKey: OTHER,
        relationshipName: "contact_customer_accounts",
        relatedCollection: "contacts",
        relatedKey: CONTACT,
    };
    await api.associate(relation);
    assert.equal(await contacts(OTHER), 2);
    await api.disassociate(relation);
    assert.equal(await contacts(OTHER), 1);
    const lookup = {
        collection: "contacts",
        primaryKey: CONTACT,
        navigationProperty: "parentcustomerid_account",
        relatedCollection: "accounts",
        relatedKey: ACCOUNT,
    };
    await api.associateSingleValued(lookup);
    assert.equal(await contacts(ACCOUNT), 1);
    await api.disassociateSingleValued(lookup);
    assert.equal(await contacts(ACCOUNT), 0);
});

test("functions and actions", async () => {
    const me = await api.callFunction({ functionName: "WhoAmI" });
    assert.match(me.UserId, /^[0-9a-f-]{36}$/);
    const counted = await api.callFunction({
        name: "RetrieveTotalRecordCount",
        parameters: { EntityNames: ["account"] },
    });
    assert.deepEqual(counted.EntityRecordCountCollection.Values, [3]);
    const made = await api.callAction({
        collection: "accounts",
        actionName: "Microsoft.Dynamics.CRM.CreateMultiple",
        action: {
            Targets: [{ name: "m1", "@odata.type": "Microsoft.Dynamics.CRM.account" }],
        },
    });
    assert.equal(made.Ids.length, 1);
    await api.callAction({
        actionName: "WinOpportunity",
        action: {
            Status: 3,
            OpportunityClose: {
                subject: "won",
                "opportunityid@odata.bind": "/opportunities(d1000000-0000-0000-0000-000000000001)",
            },
        },
    });
    const won = await api.retrieve({
        collection: "opportunities",
        key: "d1000000-0000-0000-0000-000000000001",
        select: ["statecode"],
    });
    assert.equal(won.statecode, 1);
});

test("batches", async () => {
    api.startBatch();
    const account = api.create({ collection: "accounts", data: { name: "parent" }, contentId: "1" });
    const contact = api.create({
        collection: "contacts",
        data: { lastname: "child", "parentcustomerid_account@odata.bind": "$1" },
    });
    const [parent, child] = await api.executeBatch();
    await Promise.all([account, contact]);
    assert.match(String(parent), /[0-9a-f-]{36}/);
    const read = await api.retrieve({
        collection: "contacts",
        key: child,
        select: ["_parentcustomerid_value"],
    });
    assert.ok(same(read._parentcustomerid_value, parent));

    api.startBatch();
    api.retrieveMultiple({ collection: "accounts", select: ["name"], filter: "name eq 'parent'" });
    api.count({ collection: "accounts" });
    api.update({ collection: "accounts", key: ACCOUNT, data: { fax: "9" }, inChangeSet: false });
    api.deleteRecord({ collection: "accounts", key: parent, inChangeSet: false });
    const results = await api.executeBatch({ continueOnError: true });
    assert.equal(results[0].value.length, 1);
    assert.equal(results[1], 4);

    api.startBatch();
    const refused = api.create({ collection: "accounts", data: { nothing: 1 } });
    refused?.catch?.(() => {});
    await assert.rejects(api.executeBatch(), (error) => JSON.stringify(error).includes("nothing") || /nothing/.test(error.message ?? error[0]?.message));
});

test("tables and columns", async () => {
    const id = await api.createEntity({ data: widget() });
    const read = await api.retrieveEntity({ key: id, select: ["LogicalName", "EntitySetName"] });
    assert.equal(read.EntitySetName, "new_widgets");
    const full = await api.retrieveEntity({ key: id });
    full.DisplayName.LocalizedLabels[0].Label = "Gadget";
    await api.updateEntity({ data: full, mergeLabels: true });
    const changed = await api.retrieveEntity({
        key: "LogicalName='new_widget'",
        select: ["DisplayName"],
        expand: [{ property: "Attributes", select: ["LogicalName"] }],
    });
    assert.equal(changed.DisplayName.UserLocalizedLabel.Label, "Gadget");
    assert.ok(changed.Attributes.some((one) => one.LogicalName === "new_name"));
    const all = await api.retrieveEntities({
        select: ["LogicalName"],
        filter: "IsCustomEntity eq true and OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'",
    });
    assert.ok(all.value.some((one) => one.LogicalName === "new_widget"));

    const attribute = await api.createAttribute({
        entityKey: id,
        data: column("Picklist", "new_Colour", {
            OptionSet: {
                "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
                IsGlobal: false,
                OptionSetType: "Picklist",
                Options: [{ Value: 5, Label: label("Red") }],
            },
        }),
    });
    const castType = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata";
    const colour = await api.retrieveAttribute({
        entityKey: id,
        attributeKey: attribute,
        castType,
        expand: [{ property: "OptionSet" }],
    });
    assert.equal(colour.OptionSet.Options[0].Label.UserLocalizedLabel.Label, "Red");
    const plain = await api.retrieveAttribute({ entityKey: id, attributeKey: attribute, castType });
    plain.DisplayName.LocalizedLabels[0].Label = "Color";
    await api.updateAttribute({ entityKey: id, data: plain, castType, mergeLabels: true });
    const columns = await api.retrieveAttributes({
        entityKey: "LogicalName='new_widget'",
        castType,
        select: ["LogicalName", "DisplayName"],
        filter: "IsCustomAttribute eq true",
    });
    assert.equal(columns.value[0].DisplayName.UserLocalizedLabel.Label, "Color");
    await api.create({ collection: "new_widgets", data: { new_name: "w", new_colour: 5 } });
});

test("relationships", async () => {
    await api.createEntity({ data: widget() });
    const id = await api.createRelationship({
        data: {
            "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            SchemaName: "new_account_widgets",
            ReferencedEntity: "account",
            ReferencingEntity: "new_widget",
            Lookup: column("Lookup", "new_AccountId"),
        },
    });
    const castType = "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata";
    const read = await api.retrieveRelationship({ key: id, castType });
    assert.equal(read.ReferencingAttribute, "new_accountid");
    read.CascadeConfiguration.Delete = "Cascade";
    await api.updateRelationship({ data: read, castType });
    const all = await api.retrieveRelationships({
        castType,
        select: ["SchemaName", "CascadeConfiguration"],
        filter: "ReferencingEntity eq 'new_widget'",
    });
    const own = all.value.find((one) => one.SchemaName === "new_account_widgets");
    assert.equal(own.CascadeConfiguration.Delete, "Cascade");
    await api.create({
        collection: "new_widgets",
        data: { new_name: "w", "new_AccountId@odata.bind": `/accounts(${ACCOUNT})` },
    });
    await api.deleteRelationship({ key: id });
});

test("global choices", async () => {
    const id = await api.createGlobalOptionSet({
        data: {
            "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
            Name: "new_colour",
            IsGlobal: true,
            OptionSetType: "Picklist",
            DisplayName: label("Colour"),
            Options: [{ Value: 1, Label: label("Red") }],
        },
    });
    const castType = "Microsoft.Dynamics.CRM.OptionSetMetadata";
    const read = await api.retrieveGlobalOptionSet({ key: id, castType });
    assert.equal(read.Options.length, 1);
    read.Options.push({ Value: 2, Label: label("Blue") });
    await api.updateGlobalOptionSet({ data: read, castType, mergeLabels: true });
    const named = await api.retrieveGlobalOptionSet({ key: "Name='new_colour'", castType });
    assert.equal(named.Options.length, 2);
    const all = await api.retrieveGlobalOptionSets({ castType, select: ["Name"] });
    assert.deepEqual(all.value.map((one) => one.Name), ["new_colour"]);
    await api.deleteGlobalOptionSet({ key: id });
});

test("the document", async () => {
    const document = await api.retrieveCsdlMetadata({ addAnnotations: true });
    assert.ok(document.includes('<EntityType Name="account"'));
});

test("files", async () => {
    await api.createAttribute({
        entityKey: "LogicalName='account'",
        data: column("File", "new_Document", { MaxSizeInKB: 100000 }),
    });
    for (const size of [11, 4 * 1024 * 1024, 9 * 1024 * 1024 + 3]) {
        const data = Buffer.alloc(size, "content ");
        await api.uploadFile({
            collection: "accounts",
            key: ACCOUNT,
            property: "new_document",
            fileName: "some file.txt",
            data,
        });
        const file = await api.downloadFile({
            collection: "accounts",
            key: ACCOUNT,
            property: "new_document",
        });
        assert.equal(file.fileName, "some file.txt");
        assert.equal(file.fileSize, size);
        assert.equal(Buffer.compare(Buffer.from(file.data), data), 0);
    }
    await api.deleteRecord({ collection: "accounts", key: ACCOUNT, property: "new_document" });
});

test("search", async () => {
    const found = await api.search({
        query: { search: "Fourth", entities: [{ name: "account" }], count: true },
    });
    assert.equal(found.response.Value.length, 1);
    const queried = await api.query({
        query: { search: "Fourth", entities: [{ name: "account", selectColumns: ["name"] }], count: true },
    });
    assert.equal(queried.response.Count, 1);
    assert.equal(queried.response.Value[0].Attributes.name, "Fourth Coffee (sample)");
    const suggested = await api.suggest({
        query: { search: "Fourth", entities: [{ name: "account" }] },
    });
    assert.ok(suggested.response.Value.length > 0);
    const completed = await api.autocomplete({
        query: { search: "Four", entities: [{ name: "account" }] },
    });
    assert.match(completed.response.Value.replace(/\{\/?crmhit\}/g, ""), /fourth/i);
});

test("names of tables in place of sets", async () => {
    const named = client({ useEntityNames: true });
    const read = await named.retrieve({ collection: "account", key: ACCOUNT, select: ["name"] });
    assert.equal(read.name, "Fourth Coffee (sample)");
    assert.equal(named.Utility.getCollectionName("account"), "accounts");
});

test("another instance, and another configuration", async () => {
    const other = watched(api.initializeInstance());
    other.setConfig({ dataApi: { version: "9.1" }, returnRepresentation: true });
    const made = await other.create({ collection: "accounts", data: { name: "made" } });
    assert.equal(made.name, "made");
    assert.ok(other.Utility.toAbsoluteUrl("accounts").endsWith("/v9.1/accounts"));
});

test("background operations are not there", async () => {
    for (const operation of ["getBackgroundOperationStatus", "cancelBackgroundOperation"]) {
        await assert.rejects(api[operation](ACCOUNT), (error) => [404, 501].includes(error.status));
    }
});

test("requests end in time, or are given up", async () => {
    await assert.rejects(
        api.retrieve({ collection: "accounts", key: ACCOUNT, signal: AbortSignal.abort() }),
        /abort/i,
    );
    const read = await api.retrieve({ collection: "accounts", key: ACCOUNT, select: ["name"], timeout: 60000 });
    assert.equal(read.name, "Fourth Coffee (sample)");
});

test("what the service refuses is told", async () => {
    await control("faults", { kind: "throttled", retry_after: 7, path: "/api/data/" });
    await assert.rejects(
        api.retrieveMultiple({ collection: "accounts" }),
        (error) => error.status === 429 && error.headers["retry-after"] === "7",
    );
    await assert.rejects(
        api.create({ collection: "accounts", data: { nothing: 1 } }),
        (error) => error.status === 400 && error.code === "0x0" && /nothing/.test(error.message),
    );
    await assert.rejects(
        client({ onTokenRefresh: null }).retrieveMultiple({ collection: "accounts" }),
        (error) => error.status === 401,
    );
});

test("older versions and impersonation", async () => {
    for (const version of ["9.0", "9.1"]) {
        const older = client({ dataApi: { version }, impersonate: "00000000-0000-0000-0000-0000000000a1" });
        const page = await older.retrieveMultiple({ collection: "accounts", select: ["name"], maxPageSize: 2 });
        assert.ok(page.oDataNextLink.includes(`/v${version}/`));
    }
});
