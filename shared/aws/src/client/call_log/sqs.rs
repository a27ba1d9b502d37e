//! Permissions of calls to SQS: an action on a queue, named by the last part of its URL.

use aws_sdk_sqs::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesInput;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;

use super::grants::Grants;

/// Adds the permissions that the call needs. Returns false if the operation is unknown here.
pub(super) fn add(
    grants: &mut Grants,
    context: &BeforeSerializationInterceptorContextRef<'_>,
) -> bool {
    let input = context.input();
    let (action, queue) = if let Some(send) = input.downcast_ref::<SendMessageInput>() {
        ("sqs:SendMessage", send.queue_url())
    } else if let Some(send) = input.downcast_ref::<SendMessageBatchInput>() {
        ("sqs:SendMessage", send.queue_url())
    } else if let Some(get) = input.downcast_ref::<GetQueueAttributesInput>() {
        ("sqs:GetQueueAttributes", get.queue_url())
    } else {
        return false;
    };
    grants.add(action, queue.map(name));
    true
}

fn name(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_by_the_last_part_of_its_url() {
        let url = "https://sqs.eu-central-1.amazonaws.com/123456789012/muster-chunks";
        assert_eq!(name(url), "muster-chunks");
    }
}
