//! The backend API.

use hallway_auth::{ApiKeys, KeyTooLong};
use hallway_settings::{Secret, settings};

settings! {
    /// The backend API on the internal listener.
    pub struct Api {
        /// Keys that a backend may show, any one of them. Several let a key be replaced without a pause.
        /// Empty: the API refuses everyone.
        keys: Vec<Secret> = "";
        /// Keys that may ask and change nothing, such as that of a person who looks at the console.
        read_only_keys: Vec<Secret> = "";
    }
}

impl Api {
    /// The keys, ready to be compared.
    ///
    /// # Errors
    /// A key is too long.
    pub fn verifier(&self) -> Result<ApiKeys, KeyTooLong> {
        ApiKeys::new(self.keys.iter().map(Secret::expose))
    }

    /// Those that may only ask.
    ///
    /// # Errors
    /// A key is too long.
    pub fn reader(&self) -> Result<ApiKeys, KeyTooLong> {
        ApiKeys::new(self.read_only_keys.iter().map(Secret::expose))
    }
}
