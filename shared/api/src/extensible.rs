//! Names that a newer service may add to.

use muster_core::run::{ImportState, State, Status};
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, Deserializer, IntoDeserializer as _};
use serde::{Serialize, Serializer};

/// A closed list of names.
pub trait Named: Copy {
    /// Returns the name in the API.
    fn name(self) -> &'static str;
}

/// A name in a response. A client reads a name that it does not know as text, because a newer
/// service may have more of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extensible<T> {
    /// A name that this version knows.
    Known(T),
    /// Any other name.
    Unknown(String),
}

impl<T: Named> Extensible<T> {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name.name(),
            Self::Unknown(name) => name,
        }
    }

    /// Returns the name if this version knows it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(name) => Some(*name),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Extensible<T> {
    fn from(name: T) -> Self {
        Self::Known(name)
    }
}

impl<T: Named> Serialize for Extensible<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Extensible<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known: StrDeserializer<'_, serde::de::value::Error> = name.as_str().into_deserializer();
        Ok(match T::deserialize(known) {
            Ok(known) => Self::Known(known),
            Err(_) => Self::Unknown(name),
        })
    }
}

impl Named for State {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl Named for ImportState {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl Named for Status {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::{OperatorRole, Scope, TokenStatus};

    fn assert_round_trip<T: Named + DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
        name: T,
    ) {
        let sent = serde_json::to_value(Extensible::Known(name)).unwrap();
        assert_eq!(sent, serde_json::to_value(name).unwrap());
        let read: Extensible<T> = serde_json::from_value(sent).unwrap();
        assert_eq!(read.known(), Some(name));
    }

    #[test]
    fn a_known_name_is_sent_as_ever_and_read_back() {
        assert_round_trip(OperatorRole::Manage);
        assert_round_trip(Scope::Qvalon);
        assert_round_trip(TokenStatus::Revoked);
        assert_round_trip(ImportState::Queued);
        assert_round_trip(State::Stopping);
        assert_round_trip(Status::PartialSuccess);
    }

    #[test]
    fn a_name_of_a_newer_service_is_kept_as_text() {
        let read: Extensible<ImportState> = serde_json::from_value(json!("paused")).unwrap();
        assert_eq!((read.known(), read.as_str()), (None, "paused"));
        assert_eq!(serde_json::to_value(&read).unwrap(), "paused");
        assert!(serde_json::from_value::<Extensible<ImportState>>(json!(7)).is_err());
    }
}
