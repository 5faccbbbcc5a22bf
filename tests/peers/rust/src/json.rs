// SPDX-License-Identifier: Apache-2.0
//! JSON mode: a dataset is uploaded, described, and downloaded from every place that the server names.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::{Arc, Mutex};

use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, PutResult, Ticket};
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use tonic::{Response, Status, Streaming};

use crate::client;
use crate::data::{self, Dataset, Encoder, Failure, expect};
use crate::server::status;

type Stored = Arc<Mutex<HashMap<String, Dataset>>>;

/// What a server keeps.
pub struct Datasets {
    port: u16,
    stored: Stored,
}

fn name_of(descriptor: &FlightDescriptor) -> Result<String, Status> {
    if descriptor.r#type() != DescriptorType::Path {
        return Err(Status::invalid_argument("the descriptor is no path"));
    }
    descriptor.path.first().cloned().ok_or_else(|| Status::invalid_argument("the path is empty"))
}

impl Datasets {
    pub fn new(port: u16) -> Self {
        Datasets { port, stored: Stored::default() }
    }

    fn find(&self, name: &str) -> Result<Dataset, Status> {
        self.stored.lock().unwrap().get(name).cloned().ok_or_else(|| Status::not_found("no such dataset"))
    }

    pub fn info(&self, descriptor: &FlightDescriptor) -> Result<FlightInfo, Status> {
        let name = name_of(descriptor)?;
        let dataset = self.find(&name)?;
        let rows: usize = dataset.batches.iter().map(|(batch, _)| batch.num_rows()).sum();
        let endpoint = FlightEndpoint::new()
            .with_ticket(Ticket::new(name))
            .with_location(format!("grpc+tcp://127.0.0.1:{}", self.port));
        let info = data::info_of(&dataset.schema, vec![endpoint]).map_err(status)?;
        Ok(info.with_descriptor(descriptor.clone()).with_total_records(rows as i64))
    }

    /// The dataset with the numbers of its batches as metadata.
    pub fn get(&self, ticket: &[u8]) -> Result<Dataset, Status> {
        let mut dataset = self.find(std::str::from_utf8(ticket).unwrap_or(""))?;
        for (i, (_, metadata)) in dataset.batches.iter_mut().enumerate() {
            *metadata = i.to_string().into();
        }
        Ok(dataset)
    }

    /// Answers each batch at once; stores the dataset when the client has sent all.
    pub async fn put(
        &self,
        mut input: Streaming<FlightData>,
    ) -> Result<Response<BoxStream<'static, Result<PutResult, Status>>>, Status> {
        let first = input.message().await?.ok_or_else(|| Status::invalid_argument("no message"))?;
        let descriptor = first.flight_descriptor.clone();
        let name = name_of(&descriptor.ok_or_else(|| Status::invalid_argument("no descriptor"))?)?;
        let stored = self.stored.clone();
        let (mut sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let messages = stream::once(async { Ok(first) }).chain(input.map_err(FlightError::from));
            match receive(messages, &mut sender).await {
                Ok(dataset) => drop(stored.lock().unwrap().insert(name, dataset)),
                Err(failure) => drop(sender.send(Err(Status::invalid_argument(failure.to_string()))).await),
            }
        });
        Ok(Response::new(receiver.boxed()))
    }
}

async fn receive<S>(messages: S, answers: &mut mpsc::Sender<Result<PutResult, Status>>) -> Result<Dataset, Failure>
where
    S: futures::Stream<Item = Result<FlightData, FlightError>> + Send + 'static,
{
    let mut decoder = FlightDataDecoder::new(messages);
    let mut dataset = None;
    while let Some(message) = decoder.next().await {
        let message = message?;
        let metadata = message.app_metadata();
        match (message.payload, &mut dataset) {
            (DecodedPayload::Schema(schema), None) => dataset = Some(Dataset { schema, batches: Vec::new() }),
            (DecodedPayload::RecordBatch(batch), Some(dataset)) => {
                dataset.batches.push((batch, metadata.clone()));
                if !metadata.is_empty() {
                    answers.send(Ok(PutResult { app_metadata: metadata })).await?;
                }
            }
            _ => return Err("a message that is no schema and no batch".into()),
        }
    }
    dataset.ok_or_else(|| "the stream has no schema".into())
}

fn read_file(path: &str) -> Result<Dataset, Failure> {
    let stem = path.trim_end_matches(".gz").trim_end_matches(".json");
    let reader = StreamReader::try_new(BufReader::new(File::open(format!("{stem}.stream"))?), None)?;
    let schema = reader.schema();
    let batches = reader.enumerate().map(|(i, batch)| Ok((batch?, Bytes::from(i.to_string()))));
    Ok(Dataset { schema, batches: batches.collect::<Result<_, Failure>>()? })
}

async fn upload(uri: &str, descriptor: &FlightDescriptor, dataset: &Dataset) -> Result<(), Failure> {
    let mut client = client::connect(uri).await?;
    let mut encoder = Encoder::default();
    let (sender, receiver) = mpsc::unbounded();
    let send = |message: FlightData| sender.unbounded_send(Ok(message));
    let mut batches = dataset.batches.iter();

    // The call begins when the server answers, which it may do no earlier than to the first batch.
    send(encoder.schema(&dataset.schema).with_descriptor(descriptor.clone()))?;
    let mut waiting = batches.next();
    if let Some((batch, metadata)) = waiting {
        encoder.batch(batch, metadata.clone())?.into_iter().try_for_each(send)?;
    } else {
        sender.close_channel();
    }
    let mut answers = client.do_put(receiver).await?;
    while let Some((_, expected)) = waiting {
        let answer = answers.try_next().await?.ok_or("the server did not answer a batch")?;
        expect(&answer.app_metadata, expected, "answer")?;
        waiting = batches.next();
        if let Some((batch, metadata)) = waiting {
            encoder.batch(batch, metadata.clone())?.into_iter().try_for_each(send)?;
        }
    }
    sender.close_channel();
    expect(answers.try_next().await?, None, "answer after the last")
}

async fn download(uri: &str, ticket: Ticket, expected: &Dataset) -> Result<(), Failure> {
    let stream = client::connect(uri).await?.into_inner().do_get(ticket).await?.into_inner();
    let found = data::read_dataset(stream.map_err(FlightError::from)).await?;
    expect(&found.schema, &expected.schema, "schema")?;
    expect(found.batches.len(), expected.batches.len(), "number of batches")?;
    for (i, ((batch, metadata), (other, text))) in found.batches.iter().zip(&expected.batches).enumerate() {
        expect(metadata, text, "metadata")?;
        if batch != other {
            return Err(format!("batch {i} came back changed").into());
        }
    }
    Ok(())
}

pub async fn run_client(uri: String, path: &str) -> Result<(), Failure> {
    let descriptor = FlightDescriptor::new_path(vec![path.to_string()]);
    let dataset = read_file(path)?;
    upload(&uri, &descriptor, &dataset).await?;
    let info = client::connect(&uri).await?.get_flight_info(descriptor).await?;
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.ok_or("an endpoint without a ticket")?;
        for location in endpoint.location {
            download(&location.uri.replace("grpc+tcp://", "http://"), ticket.clone(), &dataset).await?;
        }
    }
    Ok(())
}
