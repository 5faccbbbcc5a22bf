// SPDX-License-Identifier: Apache-2.0
//! expiration_time, the server: three endpoints, two of which expire, can be cancelled and renewed.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightEndpoint, RenewFlightEndpointRequest, Ticket,
};
use bytes::Bytes;
use prost::Message;
use prost_types::Timestamp;
use tonic::Status;

use crate::server::status;

#[derive(Clone, Default)]
struct State {
    expires: Option<Timestamp>,
    is_cancelled: bool,
    is_read: bool,
}

#[derive(Default)]
pub struct Expirations(Mutex<Vec<State>>);

pub fn seconds_from_now(seconds: u64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: (now.as_secs() + seconds) as i64, nanos: now.subsec_nanos() as i32 }
}

pub fn is_later(a: &Timestamp, b: &Timestamp) -> bool {
    (a.seconds, a.nanos) > (b.seconds, b.nanos)
}

/// The number before the ":" of a ticket.
fn index_of(ticket: &[u8], count: usize) -> Result<usize, Status> {
    let text = std::str::from_utf8(ticket).unwrap_or("");
    let index = text.split(':').next().and_then(|number| number.parse::<usize>().ok());
    index.filter(|index| *index < count).ok_or_else(|| Status::not_found("no flight has this ticket"))
}

impl Expirations {
    /// New states; their endpoints.
    pub fn begin(&self) -> Vec<FlightEndpoint> {
        let ends = [None, Some(seconds_from_now(5)), Some(seconds_from_now(6))];
        let texts = ["0: No expiration time", "1: 5 seconds", "2: 6 seconds"];
        *self.0.lock().unwrap() = ends.iter().map(|end| State { expires: *end, ..State::default() }).collect();
        texts
            .iter()
            .zip(ends)
            .map(|(text, end)| {
                let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(*text));
                FlightEndpoint { expiration_time: end, ..endpoint }
            })
            .collect()
    }

    /// The number that is all of the flight.
    pub fn read(&self, ticket: &[u8]) -> Result<i32, Status> {
        let mut states = self.0.lock().unwrap();
        let index = index_of(ticket, states.len())?;
        let state = &mut states[index];
        if state.is_cancelled || (state.expires.is_none() && state.is_read) {
            return Err(Status::not_found("the flight is cancelled or was read"));
        }
        if state.expires.is_some_and(|end| is_later(&seconds_from_now(0), &end)) {
            return Err(Status::not_found("the flight has expired"));
        }
        state.is_read = true;
        Ok(index as i32)
    }

    pub fn cancel(&self, body: Bytes) -> Result<Bytes, Status> {
        let request = CancelFlightInfoRequest::decode(body).map_err(status)?;
        let mut states = self.0.lock().unwrap();
        let mut outcome = CancelStatus::Unspecified;
        for endpoint in request.info.unwrap_or_default().endpoint {
            let index = index_of(&endpoint.ticket.unwrap_or_default().ticket, states.len());
            let is_fresh = index.as_ref().is_ok_and(|index| !states[*index].is_cancelled);
            if !is_fresh {
                outcome = CancelStatus::NotCancellable;
            } else if outcome == CancelStatus::Unspecified {
                outcome = CancelStatus::Cancelled;
            }
            if let Ok(index) = index {
                states[index].is_cancelled = true;
            }
        }
        Ok(CancelFlightInfoResult { status: outcome as i32 }.encode_to_vec().into())
    }

    pub fn renew(&self, body: Bytes) -> Result<Bytes, Status> {
        let request = RenewFlightEndpointRequest::decode(body).map_err(status)?;
        let mut endpoint = request.endpoint.unwrap_or_default();
        let ticket = endpoint.ticket.take().unwrap_or_default().ticket;
        let mut states = self.0.lock().unwrap();
        let index = index_of(&ticket, states.len())?;
        if states[index].is_cancelled {
            return Err(Status::invalid_argument("the flight was cancelled"));
        }
        states[index].expires = Some(seconds_from_now(10));
        endpoint.ticket = Some(Ticket::new([&ticket[..], b": renewed (+ 10 seconds)"].concat()));
        endpoint.expiration_time = states[index].expires;
        Ok(endpoint.encode_to_vec().into())
    }
}
