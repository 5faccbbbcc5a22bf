// SPDX-License-Identifier: Apache-2.0
//! The server: one service that answers as its scenario asks.

use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::{
    Action, ActionType, BasicAuth, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use arrow_schema::{DataType, Schema};
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use prost::Message;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::data::{self, Encoder, Failure};
use crate::expiration::{self, Expirations};
use crate::json::Datasets;

pub const USERNAME: &str = "arrow";
pub const PASSWORD: &str = "flight";
const TOKEN: &[u8] = b"rust\0token";
pub const HEADER: &str = "x-middleware";
pub const REUSE: &str = "arrow-flight-reuse-connection://?";
pub const ORDERED: [(&str, [i32; 3]); 3] = [("1", [1, 2, 3]), ("2", [10, 20, 30]), ("3", [100, 200, 300])];

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = BoxStream<'static, Result<T, Status>>;

pub fn status(failure: impl std::fmt::Display) -> Status {
    Status::internal(failure.to_string())
}

fn all<T: Send + 'static>(values: Vec<T>) -> Response<Answers<T>> {
    Response::new(stream::iter(values.into_iter().map(Ok)).boxed())
}

pub struct Service {
    scenario: String,
    expirations: Expirations,
    datasets: Datasets,
}

impl Service {
    fn check_token(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if self.scenario != "auth:basic_proto" {
            return Ok(());
        }
        let token = metadata.get_bin("auth-token-bin").and_then(|value| value.to_bytes().ok());
        if token.as_deref() == Some(TOKEN) { Ok(()) } else { Err(Status::unauthenticated("no valid token")) }
    }

    fn info(&self, descriptor: &FlightDescriptor) -> Result<FlightInfo, Status> {
        let number = |data_type| data::schema_of("number", data_type);
        let endpoint = |ticket: &str| FlightEndpoint::new().with_ticket(Ticket::new(ticket.to_string()));
        let info = match self.scenario.as_str() {
            "" => return self.datasets.info(descriptor),
            "ordered" => {
                let endpoints = ORDERED.iter().map(|(ticket, _)| endpoint(ticket)).collect();
                data::info_of(&number(DataType::Int32), endpoints).map(|info| info.with_ordered(descriptor.cmd == "ordered"))
            }
            "location:reuse_connection" => data::info_of(&Schema::empty(), vec![endpoint("reuse").with_location(REUSE)]),
            "app_metadata_flight_info_endpoint" => {
                if descriptor.r#type() != DescriptorType::Cmd {
                    return Err(Status::invalid_argument("the descriptor is no command"));
                }
                let cmd = &descriptor.cmd;
                data::info_of(&number(DataType::UInt32), vec![endpoint("").with_app_metadata(cmd.clone())])
                    .map(|info| info.with_app_metadata(cmd.clone()))
            }
            "middleware" if descriptor.cmd == "success" => {
                data::info_of(&Schema::empty(), vec![endpoint("foo").with_location("grpc+tcp://localhost:10010")])
            }
            "middleware" => return Err(Status::unknown("unknown command")),
            name if name.starts_with("expiration_time") => {
                data::info_of(&number(DataType::UInt32), self.expirations.begin())
            }
            _ => return Err(Status::unimplemented("the scenario has no infos")),
        };
        Ok(info.map_err(status)?.with_descriptor(descriptor.clone()))
    }
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(&self, request: Request<Streaming<HandshakeRequest>>) -> Answer<Self::HandshakeStream> {
        let first = request.into_inner().message().await?.ok_or_else(|| Status::invalid_argument("no request"))?;
        let basic = BasicAuth::decode(first.payload).map_err(status)?;
        if (basic.username.as_str(), basic.password.as_str()) != (USERNAME, PASSWORD) {
            return Err(Status::unauthenticated("wrong name or password"));
        }
        Ok(all(vec![HandshakeResponse { protocol_version: 0, payload: TOKEN.into() }]))
    }

    async fn list_flights(&self, _request: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        Err(Status::unimplemented("no scenario lists flights"))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        self.check_token(request.metadata())?;
        let value = request.metadata().get(HEADER).cloned().unwrap_or(AsciiMetadataValue::from_static(""));
        let found = self.info(request.get_ref());
        if self.scenario != "middleware" {
            return found.map(Response::new);
        }
        match found {
            Ok(info) => {
                let mut response = Response::new(info);
                response.metadata_mut().insert(HEADER, value);
                Ok(response)
            }
            Err(mut status) => {
                status.metadata_mut().insert(HEADER, value);
                Err(status)
            }
        }
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<PollInfo> {
        let descriptor = request.into_inner();
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new("long-running query"));
        let info = data::info_of(&data::schema_of("number", DataType::UInt32), vec![endpoint]).map_err(status)?;
        let polled = PollInfo::new().with_info(info.with_descriptor(descriptor.clone()));
        let polled = match descriptor.cmd.as_ref() {
            b"heavy query" => polled
                .with_descriptor(FlightDescriptor::new_cmd("poll"))
                .with_expiration_time(expiration::seconds_from_now(10))
                .try_with_progress(0.1),
            _ => polled.try_with_progress(1.0),
        };
        Ok(Response::new(polled.map_err(status)?))
    }

    async fn get_schema(&self, _request: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        Err(Status::unimplemented("no scenario asks for a schema"))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let ticket = request.into_inner().ticket;
        let dataset = match self.scenario.as_str() {
            "" => self.datasets.get(&ticket)?,
            "ordered" => {
                let (_, values) = ORDERED
                    .iter()
                    .find(|(name, _)| name.as_bytes() == ticket)
                    .ok_or_else(|| Status::not_found("no flight has this ticket"))?;
                data::numbers(DataType::Int32, values).map_err(status)?
            }
            _ => data::numbers(DataType::UInt32, &[self.expirations.read(&ticket)?]).map_err(status)?,
        };
        Ok(all(Encoder::dataset(&dataset).map_err(status)?))
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        self.datasets.put(request.into_inner()).await
    }

    async fn do_exchange(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoExchangeStream> {
        let mut input = request.into_inner();
        let first = input.message().await?.ok_or_else(|| Status::invalid_argument("no message"))?;
        match &first.flight_descriptor {
            Some(descriptor) if descriptor.cmd == "echo" => {}
            Some(descriptor) if descriptor.r#type() == DescriptorType::Cmd => {
                return Err(Status::unimplemented("unknown command"));
            }
            _ => return Err(Status::invalid_argument("the descriptor is no command")),
        }
        let (mut sender, receiver) = futures::channel::mpsc::channel(1);
        tokio::spawn(async move {
            // C++ sends the descriptor alone, and the schema after it.
            let head = stream::iter((!first.data_header.is_empty()).then_some(Ok(first)));
            let outcome = echo(head.chain(input.map_err(FlightError::from)), &mut sender).await;
            if let Err(failure) = outcome {
                let _ = sender.send(Err(status(failure))).await;
            }
        });
        Ok(Response::new(receiver.boxed()))
    }

    async fn do_action(&self, request: Request<Action>) -> Answer<Self::DoActionStream> {
        self.check_token(request.metadata())?;
        let action = request.into_inner();
        let body = match action.r#type.as_str() {
            "" if self.scenario == "auth:basic_proto" => USERNAME.into(),
            "CancelFlightInfo" => self.expirations.cancel(action.body)?,
            "RenewFlightEndpoint" => self.expirations.renew(action.body)?,
            _ => return Err(Status::unimplemented("no such action")),
        };
        Ok(all(vec![arrow_flight::Result { body }]))
    }

    async fn list_actions(&self, _request: Request<Empty>) -> Answer<Self::ListActionsStream> {
        let names = ["CancelFlightInfo", "RenewFlightEndpoint"];
        Ok(all(names.map(|name| ActionType { r#type: name.to_string(), description: String::new() }).to_vec()))
    }
}

/// Sends each batch back with its metadata; the schema goes first.
async fn echo<S>(
    input: S,
    output: &mut futures::channel::mpsc::Sender<Result<FlightData, Status>>,
) -> Result<(), Failure>
where
    S: futures::Stream<Item = Result<FlightData, FlightError>> + Send + 'static,
{
    let mut decoder = FlightDataDecoder::new(input);
    let mut encoder = Encoder::default();
    while let Some(message) = decoder.next().await {
        let message = message?;
        let metadata = message.app_metadata();
        let messages = match message.payload {
            DecodedPayload::Schema(schema) => vec![encoder.schema(&schema)],
            DecodedPayload::RecordBatch(batch) => encoder.batch(&batch, metadata)?,
            DecodedPayload::None => vec![FlightData::new().with_app_metadata(metadata)],
        };
        for message in messages {
            output.send(Ok(message)).await?;
        }
    }
    Ok(())
}

/// Serves until the process is ended.
pub async fn serve(port: u16, scenario: String) -> Result<(), Failure> {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], port).into())?;
    let port = incoming.local_addr()?.port();
    let service = Service { scenario, expirations: Expirations::default(), datasets: Datasets::new(port) };
    let service = FlightServiceServer::new(service).max_decoding_message_size(usize::MAX);
    println!("Server listening on localhost:{port}");
    Server::builder().add_service(service).serve_with_incoming(incoming).await?;
    Ok(())
}
