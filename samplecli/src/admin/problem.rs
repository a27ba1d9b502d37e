//! Refusals of the operator's API (`application/problem+json`), as failures that say what is
//! wrong, field by field, and what to do next.

use reqwest::StatusCode;

use crate::admin::Place;
use crate::failure::Failure;
use crate::problem::Problem;
use crate::server::{Answer, Server};
use crate::terminal::shown;

/// What an answer that is no success means.
pub fn failure(server: &Server, answer: &Answer, place: Option<&Place>, sign_in: &str) -> Failure {
    let Some(problem) = Problem::of(answer) else {
        return server.foreign(answer);
    };
    let text = problem.text();
    match answer.status {
        StatusCode::UNAUTHORIZED => Failure::not_signed_in(text).next(sign_in),
        StatusCode::FORBIDDEN => Failure::failed(text).next(
            "`muster whoami` shows your role; an operator of role manage can do it, or change your \
             role: `muster operator update NAME --role manage`",
        ),
        StatusCode::NOT_FOUND => match place {
            Some(place) => Failure::failed(format!("{} was not found", shown(&place.thing)))
                .next(format!("`{}` shows what there is", place.look)),
            None => server.foreign(answer),
        },
        StatusCode::CONFLICT => match place.and_then(|place| place.conflict) {
            Some(next) => Failure::failed(text).next(next),
            None => Failure::failed(text),
        },
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Failure::failed(text).next("nothing was changed: put it right and run it again")
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Failure::failed(text).next(format!("try again {}", answer.retry_after()))
        }
        status if status.is_server_error() => answer.gave_up(&text),
        _ => Failure::failed(text),
    }
}
