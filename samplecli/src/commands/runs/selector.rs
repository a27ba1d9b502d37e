//! The run of a command line: an id, or `latest`.

use muster_api::RunResponse;

use crate::args::name;
use crate::failure::Failure;
use crate::http::admin::AdminClient;
use crate::http::admin_resource::AdminResource;

/// Selects a run.
#[derive(Debug, Clone)]
pub enum RunSelector {
    /// The run that started last.
    Latest,
    /// The run with this id.
    Id(String),
}

impl RunSelector {
    /// Parses an id, or `latest`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        name(text)
            .map(Self::Id)
            .map_err(|_| "expected the id of a run, as shown by `muster runs`, or `latest`")
    }

    /// Returns the id of the run.
    pub fn resolve(self, client: &AdminClient) -> Result<String, Failure> {
        match self {
            Self::Id(id) => Ok(id),
            Self::Latest => {
                let query = vec![("limit", "1".to_owned())];
                let page = client.block_on(client.page(&AdminResource::runs(), &query))?;
                let run = page.items.first().ok_or_else(|| {
                    Failure::failed("there are no runs yet")
                        .hint("`muster import FILE --task ID` starts one")
                })?;
                Ok(run.read::<RunResponse>()?.id)
            }
        }
    }
}
