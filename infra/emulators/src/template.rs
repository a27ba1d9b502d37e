//! The reader of `infra/template.yaml`, the only definition of tables, queues and bucket. The file
//! is compiled in, so a binary runs from any folder.
//!
//! Only properties that exist locally are read. An unknown property is an error: ignoring it would
//! make the local resource differ from the deployed one.

mod document;
mod queues;
mod tables;
mod yaml;

pub use document::{REGION, STACK_NAME, TemplateError, document};
pub use queues::{DeadLetters, ImportResources, QueueDefinition};
pub use tables::{
    AttributeDefinition, AttributeType, IndexDefinition, KeyElement, KeyType, Projection,
    ProjectionType, TableDefinition, TableDefinitions,
};
