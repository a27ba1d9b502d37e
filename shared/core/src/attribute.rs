//! The attribute catalogue: every attribute a user can have, its type, and its key in each dialect
//! (contract.md#attributes). Dialects, task mapping, storage and documents are generated from this
//! table or checked against it; an attribute is added here and nowhere else.

use std::fmt;

/// Type of an attribute's values, which decides how they are validated and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// The user name; see [`crate::login::Login`].
    Login,
    /// Text of at most [`crate::limits::MAX_TEXT_CHARS`] characters, without control characters, in
    /// NFC. Invisible characters are removed.
    Text,
    /// Text that tells one thing from another. Invisible characters are refused.
    Identifier,
    /// Text that a task's role mapping turns into a role of the tenant.
    Role,
    /// An e-mail address in the restricted grammar of contract.md#logins-and-values.
    Email,
    /// `+` and 8–15 digits.
    Phone,
    /// A boolean.
    Flag {
        /// Value of an absent attribute, if it has one.
        default: Option<bool>,
    },
    /// A list of texts.
    TextList,
    /// A list of integers.
    IdList,
    /// ISO 639-1, lower case.
    Language,
    /// A name in the IANA time zone database.
    TimeZone,
    /// 0 male, 1 female.
    Gender,
    /// A calendar day, stored as `YYYY-MM-DD`.
    Date,
    /// A Base64-encoded JSON object.
    EncodedObject,
    /// One of a fixed set of words.
    Choice(&'static [&'static str]),
    /// A user id.
    UserId,
    /// An integer with an absolute value below 2^53.
    Integer,
    /// A password. Stored as its argon2id hash, never returned.
    Secret,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct AttributeSpec {
    /// The attribute that this row describes.
    pub attribute: Attribute,
    /// Name in settings, in storage and in codes such as `email.malformed`.
    pub name: &'static str,
    /// Type of its values.
    pub kind: AttributeKind,
    /// Key that a Quant task proposes for it.
    pub quant: Option<&'static str>,
    /// Key in LMS Collaborator's single-user import.
    pub collaborator: Option<&'static str>,
    /// Key in QVALON's user object.
    pub qvalon: Option<&'static str>,
}

macro_rules! catalogue {
    ($( $variant:ident $name:literal $kind:expr, $quant:expr, $collaborator:expr, $qvalon:expr; )+) => {
        /// An attribute of a user.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Attribute {
            $( #[doc = concat!("`", $name, "`")] $variant, )+
        }

        /// Every attribute, in the order of [`Attribute`].
        pub static CATALOGUE: &[AttributeSpec] = &[
            $( AttributeSpec {
                attribute: Attribute::$variant,
                name: $name,
                kind: $kind,
                quant: $quant,
                collaborator: $collaborator,
                qvalon: $qvalon,
            }, )+
        ];

        impl Attribute {
            /// Returns the catalogue row of this attribute.
            #[must_use]
            pub const fn spec(self) -> &'static AttributeSpec {
                match self {
                    $( Attribute::$variant => &const { AttributeSpec {
                        attribute: Attribute::$variant,
                        name: $name,
                        kind: $kind,
                        quant: $quant,
                        collaborator: $collaborator,
                        qvalon: $qvalon,
                    } }, )+
                }
            }

            /// Returns the attribute with this catalogue name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $name => Some(Attribute::$variant), )+
                    _ => None,
                }
            }
        }
    };
}

use AttributeKind::{
    Choice, Date, Email, EncodedObject, Flag, Gender, IdList, Identifier, Integer, Language, Login,
    Phone, Role, Secret, Text, TextList, TimeZone, UserId,
};

const FLAG: AttributeKind = Flag {
    default: Some(false),
};

catalogue! {
    // attribute name kind, Quant, Collaborator, QVALON;
    Username "username" Login, Some("Username"), Some("login"), Some("login");
    ExternalId "external_id" Identifier, Some("External ID"), Some("uid"), Some("externalId");
    Name "name" Text, Some("Name"), None, None;
    FirstName "first_name" Text, Some("First Name"), Some("firstname"), Some("firstName");
    LastName "last_name" Text, Some("Surname"), Some("secondname"), Some("lastName");
    MiddleName "middle_name" Text, Some("Middle Name"), Some("patronymic"), None;
    Role "role" Role, Some("Role"), None, None;
    Email "email" Email, Some("E-mail"), Some("email"), Some("email");
    Phone "phone" Phone, Some("Phone"), Some("phone"), None;
    Active "active" Flag { default: Some(true) }, Some("Active"), Some("is_active"), Some("active");
    AllStores "all_stores" Flag { default: None }, Some("All Stores"), None, None;
    IndividualStores "individual_stores" TextList, Some("Individual Stores"), None, Some("shopExternalIds");
    Language "language" Language, Some("Language"), Some("language"), Some("lang");
    TimeZone "time_zone" TimeZone, Some("Time Zone"), None, Some("timeZoneId");
    Position "position" Text, Some("Position"), Some("position"), Some("position");
    Department "department" Text, Some("Department"), Some("department"), None;
    City "city" Text, Some("City"), Some("city"), None;
    Gender "gender" Gender, Some("Gender"), Some("gender"), None;
    BirthDate "birth_date" Date, Some("Birth Date"), Some("birth_date"), None;
    EmploymentDate "employment_date" Date, Some("Employment Date"), Some("date_of_employment"), None;
    PositionDate "position_date" Date, Some("Position Date"), Some("date_of_assignment_current_position"), None;
    Tags "tags" TextList, Some("Tags"), Some("tags"), None;
    ManagerId "manager_id" UserId, Some("Manager ID"), Some("manager_id"), None;
    ManagerUid "manager_uid" Identifier, Some("Manager UID"), Some("manager_uid"), None;
    StructureUid "structure_uid" Identifier, Some("Structure UID"), Some("structure_uid"), None;
    FacebookId "facebook_id" Identifier, Some("Facebook ID"), Some("facebook_id"), None;
    GoogleId "google_id" Identifier, Some("Google ID"), Some("google_id"), None;
    WorkContact "work_contact" Text, Some("Work Contact"), Some("work_contact"), None;
    CustomInfo "custom_info" EncodedObject, Some("Custom Info"), Some("customInfo"), None;
    UserField1 "user_field1" Text, Some("User Field 1"), Some("user_field1"), None;
    UserField2 "user_field2" Text, Some("User Field 2"), Some("user_field2"), None;
    UserField3 "user_field3" Text, Some("User Field 3"), Some("user_field3"), None;
    UserField4 "user_field4" Text, Some("User Field 4"), Some("user_field4"), None;
    UserField5 "user_field5" Text, Some("User Field 5"), Some("user_field5"), None;
    LdapLogin "ldap_login" Identifier, Some("LDAP Login"), None, Some("ldapLogin");
    AuthType "auth_type" Choice(&["LOCAL", "LDAP"]), Some("Auth Type"), None, Some("authType");
    Level "level" Choice(&["COMPANY", "DIVISION", "REGION", "SHOP"]), Some("Level"), None, Some("level");
    BusinessDirId "business_dir_id" Integer, None, None, Some("businessDirId");
    BusinessDirExternalId "business_dir_external_id" Identifier, None, None, Some("businessDirExternalId");
    DivisionIds "division_ids" IdList, None, None, Some("divisionIds");
    RegionIds "region_ids" IdList, None, None, Some("regionIds");
    ShopIds "shop_ids" IdList, None, None, Some("shopIds");
    DivisionExternalIds "division_external_ids" TextList, None, None, Some("divisionExternalIds");
    RegionExternalIds "region_external_ids" TextList, None, None, Some("regionExternalIds");
    Supervisor "supervisor" FLAG, None, None, Some("supervisor");
    Admin "admin" FLAG, None, None, Some("admin");
    SurveyAdmin "survey_admin" FLAG, None, None, Some("surveyAdmin");
    TaskManager "task_manager" FLAG, None, None, Some("taskManager");
    UserChecklistsOrganizer "user_checklists_organizer" FLAG, None, None, Some("userChecklistsOrganizer");
    ShopDirector "shop_director" FLAG, None, None, Some("shopDirector");
    CanEditAllProcesses "can_edit_all_processes" FLAG, None, None, Some("canEditAllProcesses");
    CanViewAllProcesses "can_view_all_processes" FLAG, None, None, Some("canViewAllProcesses");
    CanEditAllChlTemplates "can_edit_all_chl_templates" FLAG, None, None, Some("canEditAllChlTemplates");
    CanEditSelectedChlTemplates "can_edit_selected_chl_templates" FLAG, None, None, Some("canEditSelectedChlTemplates");
    Password "password" Secret, None, Some("password"), Some("password");
}

impl Attribute {
    /// Number of attributes.
    pub const COUNT: usize = CATALOGUE.len();

    /// Returns the catalogue name, such as `email`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Returns the type.
    #[must_use]
    pub const fn kind(self) -> AttributeKind {
        self.spec().kind
    }

    /// Returns the value that an absent flag has: `true` for `active`, `false` for the QVALON
    /// flags.
    #[must_use]
    pub const fn default_flag(self) -> Option<bool> {
        match self.kind() {
            AttributeKind::Flag { default } => default,
            _ => None,
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for Attribute {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Attribute {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Attribute::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format_args!("unknown attribute `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_catalogue_is_in_enum_order_with_unique_names() {
        let mut names = HashSet::new();
        for (index, spec) in CATALOGUE.iter().enumerate() {
            assert_eq!(spec.attribute as usize, index);
            assert!(names.insert(spec.name), "{} twice", spec.name);
            assert_eq!(Attribute::from_name(spec.name), Some(spec.attribute));
            assert_eq!(spec.attribute.name(), spec.name);
        }
    }

    #[test]
    fn no_dialect_uses_a_key_twice() {
        for key in [
            (|s: &AttributeSpec| s.quant) as fn(&AttributeSpec) -> Option<&'static str>,
            |s| s.collaborator,
            |s| s.qvalon,
        ] {
            let keys: Vec<_> = CATALOGUE.iter().filter_map(key).collect();
            let unique: HashSet<_> = keys.iter().collect();
            assert_eq!(keys.len(), unique.len());
        }
    }

    #[test]
    fn quant_never_proposes_a_key_for_the_password() {
        assert_eq!(Attribute::Password.spec().quant, None);
    }
}
