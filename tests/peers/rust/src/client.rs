// SPDX-License-Identifier: Apache-2.0
//! The client: a script of calls for each scenario.

use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch, UInt32Array};
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::{
    Action, BasicAuth, CancelFlightInfoRequest, CancelStatus, FlightClient, FlightData, FlightDescriptor, FlightEndpoint,
    RenewFlightEndpointRequest,
};
use arrow_schema::{DataType, Schema};
use bytes::Bytes;
use futures::channel::mpsc;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::data::{self, Encoder, Failure, expect};
use crate::expiration;
use crate::server::{HEADER, ORDERED, PASSWORD, REUSE, USERNAME};

pub async fn connect(uri: &str) -> Result<FlightClient, Failure> {
    let channel = Endpoint::from_shared(uri.to_string())?.connect().await?;
    let inner = arrow_flight::flight_service_client::FlightServiceClient::new(channel);
    Ok(FlightClient::new_from_inner(inner.max_decoding_message_size(usize::MAX)))
}

fn command(text: &'static str) -> FlightDescriptor {
    FlightDescriptor::new_cmd(text)
}

async fn auth(mut client: FlightClient) -> Result<(), Failure> {
    let refused = match client.do_action(Action::new("", "")).await {
        Ok(mut results) => results.try_next().await.err(),
        Err(failure) => Some(failure),
    };
    match refused {
        Some(FlightError::Tonic(status)) if status.code() == Code::Unauthenticated => {}
        other => return Err(format!("an action without a token gave {other:?}").into()),
    }
    let basic = BasicAuth { username: USERNAME.to_string(), password: PASSWORD.to_string() };
    let token = client.handshake(basic.encode_to_vec()).await?;
    client.metadata_mut().insert_bin("auth-token-bin", MetadataValue::from_bytes(&token));
    let results: Vec<Bytes> = client.do_action(Action::new("", "")).await?.try_collect().await?;
    expect(results, vec![Bytes::from(USERNAME)], "results")
}

fn expect_header(metadata: &MetadataMap, value: &str) -> Result<(), Failure> {
    let found = metadata.get(HEADER).and_then(|value| value.to_str().ok());
    expect(found, Some(value), "header")
}

async fn middleware(client: FlightClient) -> Result<(), Failure> {
    let mut client = client.into_inner();
    let value = "expected value";
    let request = |text| {
        let mut request = Request::new(command(text));
        request.metadata_mut().insert(HEADER, MetadataValue::from_static(value));
        request
    };
    match client.get_flight_info(request("")).await {
        Ok(_) => return Err("the command '' succeeded".into()),
        Err(status) => expect_header(status.metadata(), value)?,
    }
    expect_header(client.get_flight_info(request("success")).await?.metadata(), value)
}

/// All rows of the endpoints, read over the same connection.
async fn read_endpoints(client: &mut FlightClient, endpoints: Vec<FlightEndpoint>) -> Result<Vec<RecordBatch>, Failure> {
    let mut batches = Vec::new();
    for endpoint in endpoints {
        expect(endpoint.location, vec![], "locations")?;
        let stream = client.do_get(endpoint.ticket.ok_or("an endpoint without a ticket")?).await?;
        batches.extend(stream.try_collect::<Vec<_>>().await?);
    }
    Ok(batches)
}

async fn ordered(mut client: FlightClient) -> Result<(), Failure> {
    let info = client.get_flight_info(command("ordered")).await?;
    expect(info.ordered, true, "ordered")?;
    let schema = data::schema_of("number", DataType::Int32);
    expect(&Schema::try_from(info.clone())?, schema.as_ref(), "schema")?;
    let mut rows: Vec<i32> = Vec::new();
    for batch in read_endpoints(&mut client, info.endpoint).await? {
        let column = batch.column(0).as_any().downcast_ref::<Int32Array>().ok_or("a column of another type")?;
        rows.extend(column.values());
    }
    expect(rows, ORDERED.iter().flat_map(|(_, values)| *values).collect(), "rows")
}

async fn expiration_do_get(mut client: FlightClient) -> Result<(), Failure> {
    let endpoints = client.get_flight_info(command("expiration_time")).await?.endpoint;
    let expirations: Vec<bool> = endpoints.iter().map(|endpoint| endpoint.expiration_time.is_some()).collect();
    expect(expirations, vec![false, true, true], "expirations")?;
    let mut rows: Vec<u32> = Vec::new();
    for batch in read_endpoints(&mut client, endpoints).await? {
        let column = batch.column(0).as_any().downcast_ref::<UInt32Array>().ok_or("a column of another type")?;
        rows.extend(column.values());
    }
    expect(rows, vec![0, 1, 2], "rows")
}

async fn expiration_list_actions(mut client: FlightClient) -> Result<(), Failure> {
    let actions: Vec<_> = client.list_actions().await?.try_collect().await?;
    let mut names: Vec<String> = actions.into_iter().map(|action| action.r#type).collect();
    names.sort();
    expect(names, vec!["CancelFlightInfo".to_string(), "RenewFlightEndpoint".to_string()], "actions")
}

async fn expiration_cancel(mut client: FlightClient) -> Result<(), Failure> {
    let info = client.get_flight_info(command("expiration_time")).await?;
    let result = client.cancel_flight_info(CancelFlightInfoRequest::new(info.clone())).await?;
    expect(result.status(), CancelStatus::Cancelled, "status")?;
    for endpoint in info.endpoint {
        let is_read = match client.do_get(endpoint.ticket.ok_or("an endpoint without a ticket")?).await {
            Ok(stream) => stream.try_collect::<Vec<_>>().await.is_ok(),
            Err(_) => false,
        };
        expect(is_read, false, "a cancelled endpoint can be read")?;
    }
    Ok(())
}

async fn expiration_renew(mut client: FlightClient) -> Result<(), Failure> {
    for endpoint in client.get_flight_info(command("expiration_time")).await?.endpoint {
        let Some(before) = endpoint.expiration_time else { continue };
        let renewed = client.renew_flight_endpoint(RenewFlightEndpointRequest::new(endpoint)).await?;
        let after = renewed.expiration_time.ok_or("the renewed endpoint does not expire")?;
        expect(expiration::is_later(&after, &before), true, "renewing gave a later time")?;
    }
    Ok(())
}

async fn exchange(client: FlightClient) -> Result<(), Failure> {
    let mut client = client.into_inner();
    let schema = data::schema_of("x", DataType::Int32);
    let mut encoder = Encoder::default();
    let (sender, receiver) = mpsc::unbounded::<FlightData>();
    sender.unbounded_send(encoder.schema(&schema).with_descriptor(command("echo")))?;
    let mut reader: Option<FlightDataDecoder> = None;
    let mut receiver = Some(receiver);

    for begin in 0..4 {
        let column = Arc::new(Int32Array::from_iter_values(begin..begin + 10));
        let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
        let metadata = if begin % 2 == 0 { Bytes::from(begin.to_string()) } else { Bytes::new() };
        for message in encoder.batch(&batch, metadata.clone())? {
            sender.unbounded_send(message)?;
        }
        // The call begins when the server answers, which it may do no earlier than to the first batch.
        if let Some(messages) = receiver.take() {
            let output = client.do_exchange(messages).await?.into_inner();
            let mut decoder = FlightDataDecoder::new(output.map_err(FlightError::from));
            match decoder.try_next().await?.map(|message| message.payload) {
                Some(DecodedPayload::Schema(found)) => expect(found, schema.clone(), "schema")?,
                other => return Err(format!("{other:?} in the place of the schema").into()),
            }
            reader = Some(decoder);
        }
        let decoder = reader.as_mut().ok_or("no stream")?;
        let echoed = decoder.try_next().await?.ok_or("the stream ended early")?;
        expect(echoed.app_metadata(), metadata, "metadata")?;
        match echoed.payload {
            DecodedPayload::RecordBatch(found) => expect(found, batch, "batch")?,
            other => return Err(format!("{other:?} in the place of a batch").into()),
        }
    }
    drop(sender);
    match reader.ok_or("no stream")?.next().await {
        None => Ok(()),
        Some(more) => Err(format!("after the last batch came {more:?}").into()),
    }
}

async fn location(mut client: FlightClient) -> Result<(), Failure> {
    let info = client.get_flight_info(command("reuse")).await?;
    let uris: Vec<Vec<String>> = info
        .endpoint
        .into_iter()
        .map(|endpoint| endpoint.location.into_iter().map(|location| location.uri).collect())
        .collect();
    expect(uris, vec![vec![REUSE.to_string()]], "locations")
}

async fn poll(mut client: FlightClient) -> Result<(), Failure> {
    let first = client.poll_flight_info(command("heavy query")).await?;
    let progress = first.progress.ok_or("the first answer has no progress")?;
    expect((0.0..=1.0).contains(&progress), true, "progress is between 0 and 1")?;
    expect(first.expiration_time.is_some(), true, "the first answer expires")?;
    let next = first.flight_descriptor.ok_or("the first answer has no descriptor")?;
    let last = client.poll_flight_info(next).await?;
    expect(last.flight_descriptor, None, "descriptor of the last answer")?;
    expect(last.progress, Some(1.0), "progress of the last answer")?;
    expect(last.expiration_time, None, "expiration of the last answer")
}

async fn app_metadata(mut client: FlightClient) -> Result<(), Failure> {
    let info = client.get_flight_info(command("foobar")).await?;
    expect(info.app_metadata, Bytes::from("foobar"), "app_metadata of the info")?;
    let found: Vec<Bytes> = info.endpoint.into_iter().map(|endpoint| endpoint.app_metadata).collect();
    expect(found, vec![Bytes::from("foobar")], "app_metadata of the endpoints")
}

pub async fn run(uri: String, scenario: &str) -> Result<(), Failure> {
    let client = connect(&uri).await?;
    match scenario {
        "auth:basic_proto" => auth(client).await,
        "middleware" => middleware(client).await,
        "ordered" => ordered(client).await,
        "expiration_time:do_get" => expiration_do_get(client).await,
        "expiration_time:list_actions" => expiration_list_actions(client).await,
        "expiration_time:cancel_flight_info" => expiration_cancel(client).await,
        "expiration_time:renew_flight_endpoint" => expiration_renew(client).await,
        "do_exchange:echo" => exchange(client).await,
        "location:reuse_connection" => location(client).await,
        "poll_flight_info" => poll(client).await,
        "app_metadata_flight_info_endpoint" => app_metadata(client).await,
        _ => Err(format!("there is no scenario {scenario}").into()),
    }
}
