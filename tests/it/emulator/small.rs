//! Accounts and contacts only: a document that is read at once.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::{Emulator, EmulatorBuilder};

const DOCUMENT: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
<edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
    xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="account"><Key><PropertyRef Name="accountid"/></Key>
    <Property Name="accountid" Type="Edm.Guid"/>
    <Property Name="name" Type="Edm.String"/>
    <Property Name="accountnumber" Type="Edm.String"/>
    <Property Name="telephone1" Type="Edm.String"/>
    <Property Name="fax" Type="Edm.String"/>
    <Property Name="revenue" Type="Edm.Decimal"/>
    <Property Name="createdon" Type="Edm.DateTimeOffset"/>
    <Property Name="modifiedon" Type="Edm.DateTimeOffset"/>
    <Property Name="versionnumber" Type="Edm.Int64"/>
    <Property Name="_primarycontactid_value" Type="Edm.Guid"/>
    <NavigationProperty Name="primarycontactid" Type="mscrm.contact"
        Partner="account_primary_contact">
        <ReferentialConstraint Property="_primarycontactid_value" ReferencedProperty="contactid"/>
    </NavigationProperty>
    <NavigationProperty Name="contact_customer_accounts" Type="Collection(mscrm.contact)"
        Partner="parentcustomerid_account"/>
</EntityType>
<EntityType Name="contact"><Key><PropertyRef Name="contactid"/></Key>
    <Property Name="contactid" Type="Edm.Guid"/>
    <Property Name="lastname" Type="Edm.String"/>
    <Property Name="modifiedon" Type="Edm.DateTimeOffset"/>
    <Property Name="partitionid" Type="Edm.String"/>
    <Property Name="ttlinseconds" Type="Edm.Int32"/>
    <Property Name="_parentcustomerid_value" Type="Edm.Guid"/>
    <NavigationProperty Name="parentcustomerid_account" Type="mscrm.account"
        Partner="contact_customer_accounts">
        <ReferentialConstraint Property="_parentcustomerid_value" ReferencedProperty="accountid"/>
    </NavigationProperty>
    <NavigationProperty Name="account_primary_contact" Type="Collection(mscrm.account)"
        Partner="primarycontactid"/>
</EntityType>
<EntityContainer Name="System">
    <EntitySet Name="accounts" EntityType="mscrm.account"/>
    <EntitySet Name="contacts" EntityType="mscrm.contact"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;

pub(crate) fn builder() -> EmulatorBuilder {
    Emulator::builder()
        .metadata(DOCUMENT)
        .alternate_key("account", &["accountnumber"])
        .clock(VirtualClock::default())
}

pub(super) fn emulator() -> Emulator {
    builder().build().unwrap()
}
