// SPDX-License-Identifier: Apache-2.0
//! What client and server share: numbers in batches, and batches as FlightData and back, with metadata for each.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, UInt32Array};
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::{FlightData, FlightEndpoint, FlightInfo};
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use futures::{Stream, StreamExt};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A schema and batches, each with its metadata.
#[derive(Clone)]
pub struct Dataset {
    pub schema: SchemaRef,
    pub batches: Vec<(RecordBatch, Bytes)>,
}

pub fn expect<T: PartialEq + std::fmt::Debug>(actual: T, expected: T, what: &str) -> Result<(), Failure> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what}: {actual:?}, expected {expected:?}").into())
}

pub fn schema_of(name: &str, data_type: DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(name, data_type, false)]))
}

/// One batch with a column "number".
pub fn numbers(data_type: DataType, values: &[i32]) -> Result<Dataset, ArrowError> {
    let column: ArrayRef = match data_type {
        DataType::UInt32 => Arc::new(UInt32Array::from_iter_values(values.iter().map(|value| *value as u32))),
        _ => Arc::new(Int32Array::from_iter_values(values.iter().copied())),
    };
    let schema = schema_of("number", data_type);
    let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
    Ok(Dataset { schema, batches: vec![(batch, Bytes::new())] })
}

/// An info that does not know its totals.
pub fn info_of(schema: &Schema, endpoints: Vec<FlightEndpoint>) -> Result<FlightInfo, ArrowError> {
    Ok(FlightInfo::new().try_with_schema(schema)?.with_endpoints(endpoints).with_total_records(-1).with_total_bytes(-1))
}

/// Writes a stream message by message; the crate's own encoder has one metadata for the whole stream.
#[derive(Default)]
pub struct Encoder {
    generator: IpcDataGenerator,
    tracker: Option<DictionaryTracker>,
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl Encoder {
    pub fn schema(&mut self, schema: &Schema) -> FlightData {
        let tracker = self.tracker.get_or_insert_with(|| DictionaryTracker::new(false));
        self.generator.schema_to_bytes_with_dictionary_tracker(schema, tracker, &self.options).into()
    }

    /// The dictionaries that come before the batch, and the batch.
    pub fn batch(&mut self, batch: &RecordBatch, metadata: Bytes) -> Result<Vec<FlightData>, ArrowError> {
        let tracker = self.tracker.get_or_insert_with(|| DictionaryTracker::new(false));
        let (dictionaries, encoded) = self.generator.encode(batch, tracker, &self.options, &mut self.context)?;
        let mut messages: Vec<FlightData> = dictionaries.into_iter().map(FlightData::from).collect();
        messages.push(FlightData::from(encoded).with_app_metadata(metadata));
        Ok(messages)
    }

    pub fn dataset(dataset: &Dataset) -> Result<Vec<FlightData>, ArrowError> {
        let mut encoder = Encoder::default();
        let mut messages = vec![encoder.schema(&dataset.schema)];
        for (batch, metadata) in &dataset.batches {
            messages.extend(encoder.batch(batch, metadata.clone())?);
        }
        Ok(messages)
    }
}

/// Reads a whole stream.
pub async fn read_dataset<S>(stream: S) -> Result<Dataset, Failure>
where
    S: Stream<Item = Result<FlightData, FlightError>> + Send + 'static,
{
    let mut decoder = FlightDataDecoder::new(stream);
    let mut found: Option<Dataset> = None;
    while let Some(message) = decoder.next().await {
        let message = message?;
        let metadata = message.app_metadata();
        match (message.payload, &mut found) {
            (DecodedPayload::Schema(schema), _) => found = Some(Dataset { schema, batches: Vec::new() }),
            (DecodedPayload::RecordBatch(batch), Some(dataset)) => dataset.batches.push((batch, metadata)),
            _ => return Err("a message that is no schema and no batch".into()),
        }
    }
    found.ok_or_else(|| "the stream has no schema".into())
}
