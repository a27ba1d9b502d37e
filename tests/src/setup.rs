//! Sets up what no request of a client can: disabled tasks, robots without permission, expired tokens.

use std::fmt::Write;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use muster_aws::auth::operators::{Operator, Role};
use muster_local::Credentials;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::store::{Access, Row, json};
use crate::world::World;

impl Access {
    /// Returns the name of a tenant in the store.
    pub async fn tenant(&self, w: &World, tenant: usize) -> String {
        self.settings(w, tenant).await.0
    }

    async fn settings(&self, w: &World, tenant: usize) -> (String, Value) {
        let task = self
            .store
            .tasks()
            .get(w.tenants[tenant].task_id)
            .await
            .expect("reading a task")
            .expect("the task exists");
        (
            task.tenant,
            serde_json::to_value(task.settings).expect("settings are JSON"),
        )
    }

    /// Creates a task with the settings of the tenant's own task, changed by `change`. Returns its
    /// id.
    pub async fn task(&self, w: &World, tenant: usize, change: impl FnOnce(&mut Value)) -> u64 {
        let (tenant, mut settings) = self.settings(w, tenant).await;
        change(&mut settings);
        let id = self.store.tasks().next_id().await.expect("a task id");
        settings["id"] = id.into();
        let settings = serde_json::from_value(settings).expect("valid settings");
        match self
            .store
            .tasks()
            .put(&tenant, settings, None, Timestamp::now())
            .await
            .expect("storing a task")
        {
            muster_aws::tasks::PutTaskOutcome::Stored(_) => id,
            refused => panic!("the task was not stored: {refused:?}"),
        }
    }

    /// Creates a robot of a tenant that no task permits.
    pub async fn robot(&self, w: &World, tenant: usize) -> Credentials {
        let robot = Credentials {
            username: w.login("robot"),
            password: w.login("password"),
        };
        let (tenant, password) = (
            self.tenant(w, tenant).await,
            SecretString::from(robot.password.clone()),
        );
        let creation = self
            .store
            .robots()
            .create(&tenant, &robot.username, password, Timestamp::now())
            .await
            .expect("the store request");
        assert_eq!(creation, muster_aws::Creation::Created);
        robot
    }

    /// Creates an operator of a tenant with the role `read`.
    pub async fn reader(&self, w: &World, tenant: usize) -> Credentials {
        let reader = Credentials {
            username: w.login("reader"),
            password: w.login("password"),
        };
        let operator = Operator {
            tenant: self.tenant(w, tenant).await,
            name: reader.username.clone(),
            role: Role::Read,
        };
        let password = SecretString::from(reader.password.clone());
        let creation = self
            .store
            .operators()
            .create(operator, password, Timestamp::now())
            .await
            .expect("the store request");
        assert_eq!(creation, muster_aws::Creation::Created);
        reader
    }

    /// Returns a token of the first tenant's robot that has expired ten seconds ago.
    pub async fn expired_token(&self, w: &World) -> String {
        let (lifetime, hour_ago) = (Duration::from_secs(3_590), Timestamp::now() - 1.hour());
        let Credentials { username, password } = &w.tenants[0].robot;
        let robot = self
            .store
            .robots()
            .verify(username, password.as_str().into())
            .await
            .expect("verifying the robot")
            .expect("the robot exists");
        let token = self
            .store
            .tokens()
            .issue(robot, lifetime, hour_ago)
            .await
            .expect("the store request");
        token.expose_secret().to_owned()
    }

    /// Deletes a token from the store.
    pub async fn revoke(&self, token: &str) {
        let row = self.token_row(token).await;
        let delete = self
            .store
            .client()
            .delete_item()
            .table_name(&self.store.tables.control);
        delete
            .key("pk", row["pk"].clone())
            .key("sk", row["sk"].clone())
            .send()
            .await
            .expect("the store request");
    }

    /// Returns the seconds until a token expires.
    pub async fn token_seconds(&self, token: &str) -> i64 {
        let end = json(&self.token_row(token).await["expires_at"]);
        end.as_i64().expect("epoch seconds") - Timestamp::now().as_second()
    }

    /// Returns the row of a token. The store has only its SHA-256.
    async fn token_row(&self, token: &str) -> Row {
        let mut digest = String::new();
        for byte in Sha256::digest(token) {
            write!(digest, "{byte:02x}").expect("writing to a string does not fail");
        }
        let rows = self
            .scan(&self.store.tables.control, "contains", &[digest])
            .await;
        rows.into_values().next().expect("the token's row")
    }
}
