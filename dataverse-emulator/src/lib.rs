//! A local Microsoft Dataverse for trying and testing without an org.
