#!/usr/bin/env python3
"""Writes standard.csdl.xml.gz, the built-in tables, from a captured $metadata document.

Keeps the tables below, the types of definitions, and the operations that the emulator answers; of
navigation properties those that lead to a table that is kept; of complex and enum types those
that something kept names. Columns and navigation properties that customers added are left out.
The result is the same bytes in every run.

Usage: dataverse-emulator/standard/reduce.py
"""

import gzip
import re
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "../../tests/fixtures/csdl/synthetic-union-586-entities.csdl.xml.gz"
TABLES = set("""
account activitymimeattachment activityparty activitypointer annotation appmodule appointment
asyncoperation businessunit calendar campaign category competitor connection connectionrole contact
customeraddress duplicaterecord duplicaterule email environmentvariabledefinition environmentvariablevalue fax
feedback fileattachment incident incidentresolution invoice invoicedetail knowledgearticle lead
letter list mailbox opportunity opportunityclose opportunityproduct organization owner phonecall
pluginassembly plugintype position pricelevel principal principalobjectaccess privilege product
productpricelevel publisher queue queueitem queuemembership quote quotedetail role roleprivileges
salesorder salesorderdetail savedquery sdkmessage sdkmessagefilter sdkmessageprocessingstep
serviceendpoint sla solution solutioncomponent subject systemform systemuser systemuserroles task
team teammembership teamroles template territory transactioncurrency uom uomschedule userquery
usersettings webresource workflow listmember connectionroleassociation bulkdeleteoperation
attachment expando crmbaseentity
""".split())
OPERATIONS = set("""
WhoAmI RetrieveTotalRecordCount WinOpportunity LoseOpportunity CloseIncident Merge GrantAccess
ModifyAccess RevokeAccess RetrievePrincipalAccess AddToQueue RetrieveMetadataChanges
InitializeFileBlocksUpload UploadBlock CommitFileBlocksUpload InitializeFileBlocksDownload
DownloadBlock DeleteFile CreateMultiple UpdateMultiple UpsertMultiple BulkDelete
InitializeAttachmentBlocksUpload CommitAttachmentBlocksUpload
InitializeAttachmentBlocksDownload InitializeAnnotationBlocksUpload
CommitAnnotationBlocksUpload InitializeAnnotationBlocksDownload PublishXml PublishAllXml
InsertOptionValue UpdateOptionValue DeleteOptionValue CreateEntities InsertStatusValue
UpdateStateValue OrderOption CreateCustomerRelationships CreatePolymorphicLookupAttribute
SetAutoNumberSeed GetAutoNumberSeed GetNextAutoNumberValue FormatAddress InitializeFrom
RetrieveDuplicates BulkDetectDuplicates RetrieveUserPrivileges AddPrivilegesRole QualifyLead
RetrieveCurrentOrganization
""".split())
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
# Prefixes of publishers that are not the product.
CUSTOM = re.compile(r"(^|_)(csu|dfa|spice|ssg|mbs|afk|ggw|new|msdyn|bcgov|embc|era|pssg)_", re.I)


def is_custom(name):
    return bool(CUSTOM.search(name))


def item(type_name):
    inner = re.fullmatch(r"Collection\((.*)\)", type_name or "")
    return (inner.group(1) if inner else type_name or "").removeprefix("mscrm.")


def main():
    text = gzip.decompress(SOURCE.read_bytes())
    root = ET.fromstring(text)
    schema = root.find(f".//{EDM}Schema")
    types = {child.get("Name"): child for child in schema if child.get("Name") and child.tag in
             (f"{EDM}EntityType", f"{EDM}ComplexType", f"{EDM}EnumType")}
    definitions = {name for name in types if name.endswith("Metadata") or name in
                   ("crmmodelbaseentity", "MetadataBase", "OptionSetMetadataBase",
                    "RelationshipMetadataBase", "EntityKeyMetadata", "ManagedPropertyMetadata")}
    definitions = {name for name in definitions if types[name].tag == f"{EDM}EntityType"}
    kept = {name for name in TABLES | definitions if name in types}
    for name in sorted(kept):
        entity = types[name]
        lookups = {}
        for child in list(entity):
            named = child.get("Name") or ""
            if child.tag == f"{EDM}NavigationProperty":
                leads = item(child.get("Type")) in kept
                constraint = child.find(f"{EDM}ReferentialConstraint")
                if constraint is not None:
                    lookups.setdefault(constraint.get("Property"), []).append(leads)
                if not leads or (is_custom(named) and name not in definitions):
                    entity.remove(child)
            elif child.tag == f"{EDM}Property" and is_custom(named) and name not in definitions:
                entity.remove(child)
        # A lookup that leads to no table that is kept could not be written.
        for child in list(entity):
            named = child.get("Name") or ""
            is_nowhere = named in lookups and not any(lookups[named])
            if child.tag == f"{EDM}Property" and is_nowhere:
                entity.remove(child)
    operations = [child for child in schema if child.get("Name") in OPERATIONS and child.tag in
                  (f"{EDM}Action", f"{EDM}Function")]

    def is_kept_operation(operation):
        for parameter in operation.iter():
            target = types.get(item(parameter.get("Type")))
            if target is not None and target.tag == f"{EDM}EntityType" and \
                    target.get("Name") not in kept:
                return False
        return True

    operations = [operation for operation in operations if is_kept_operation(operation)]
    reached = set(kept)
    elements = [types[name] for name in sorted(kept)] + operations
    while elements:
        for node in elements.pop().iter():
            for attribute in ("Type", "BaseType"):
                name = item(node.get(attribute))
                if name in types and name not in reached and \
                        types[name].tag != f"{EDM}EntityType":
                    reached.add(name)
                    elements.append(types[name])
    kept_operations = {operation.get("Name") for operation in operations}
    for child in list(schema):
        name = child.get("Name")
        if child.tag in (f"{EDM}EntityType", f"{EDM}ComplexType", f"{EDM}EnumType"):
            if name not in reached:
                schema.remove(child)
        elif child.tag in (f"{EDM}Action", f"{EDM}Function"):
            if child not in operations:
                schema.remove(child)
        elif child.tag == f"{EDM}EntityContainer":
            for member in list(child):
                gone = (
                    member.tag == f"{EDM}EntitySet"
                    and item(member.get("EntityType", "").replace("Microsoft.Dynamics.CRM.", ""))
                    not in kept
                ) or (
                    member.tag in (f"{EDM}ActionImport", f"{EDM}FunctionImport")
                    and (member.get("Action") or member.get("Function")).rsplit(".")[-1]
                    not in kept_operations
                )
                if gone:
                    child.remove(member)
                for binding in list(member):
                    if binding.tag == f"{EDM}NavigationPropertyBinding":
                        member.remove(binding)
    # A navigation property whose partner is not kept has none.
    navigations = {(name, child.get("Name")) for name in kept for child in types[name]
                   if child.tag == f"{EDM}NavigationProperty"}
    bases = {name: item(types[name].get("BaseType")) for name in kept}

    def has(table, navigation):
        while table:
            if (table, navigation) in navigations:
                return True
            table = bases.get(table)
        return False

    for name in kept:
        for child in types[name]:
            partner = child.get("Partner")
            if partner and not has(item(child.get("Type")), partner):
                del child.attrib["Partner"]
    ET.register_namespace("edmx", "http://docs.oasis-open.org/odata/ns/edmx")
    ET.register_namespace("", "http://docs.oasis-open.org/odata/ns/edm")
    out = ET.tostring(root, encoding="unicode")
    out = '<?xml version="1.0" encoding="utf-8"?>' + out
    with (HERE / "standard.csdl.xml.gz").open("wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as zipped:
            zipped.write(out.encode())
    missing = sorted(TABLES - kept)
    print(f"{len(kept)} types, {len(out)} bytes; the document does not have: {missing}")


main()
