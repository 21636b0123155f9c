//! The gate: what is to leave, in order, and nothing past a record that is not yet durable (docs/spec §1.7).

use super::Output;
use crate::{PersistRecord, SessionError};
use quorate_intent::PublicKey;
use std::collections::VecDeque;

/// Something that waits behind a record.
enum Held<O> {
    Out(Output<O>),
    EraseSealingKey,
}

pub(super) struct Gate<O> {
    ready: Vec<Output<O>>,
    held: VecDeque<Held<O>>,
    /// The record whose acknowledgement is awaited.
    waiting: Option<u64>,
    next_id: u64,
    finished: bool,
    last_timer: Option<u64>,
}

impl<O> Default for Gate<O> {
    fn default() -> Self {
        Self {
            ready: Vec::new(),
            held: VecDeque::new(),
            waiting: None,
            next_id: 1,
            finished: false,
            last_timer: None,
        }
    }
}

impl<O> Gate<O> {
    pub fn send(&mut self, to: PublicKey, bytes: Vec<u8>) {
        self.emit(Output::Send { to, bytes });
    }

    pub fn done(&mut self, output: O) {
        self.emit(Output::Done(output));
    }

    pub fn persist(&mut self, record: PersistRecord) {
        let id = self.next_id;
        self.next_id += 1;
        self.emit(Output::Persist { id, record });
    }

    /// True when the key can be erased at once; otherwise [`Gate::persisted`] tells when.
    pub fn erase_sealing_key(&mut self) -> bool {
        if self.closed() {
            self.held.push_back(Held::EraseSealingKey);
        }
        !self.closed()
    }

    fn emit(&mut self, output: Output<O>) {
        if self.closed() {
            return self.held.push_back(Held::Out(output));
        }
        match &output {
            Output::Persist { id, .. } => self.waiting = Some(*id),
            Output::Done(_) | Output::Abort(_) => self.finished = true,
            Output::Send { .. } | Output::Timer(_) => (),
        }
        self.ready.push(output);
    }

    /// Ends with an error. What is held back never leaves.
    pub fn abort(&mut self, error: SessionError) {
        self.held.clear();
        self.waiting = None;
        self.emit(Output::Abort(error));
    }

    pub fn closed(&self) -> bool {
        self.waiting.is_some()
    }

    pub fn finished(&self) -> bool {
        self.finished
    }

    pub fn waits_for(&self, id: u64) -> bool {
        self.waiting == Some(id)
    }

    /// Opens the gate up to the next record. True when the sealing key must be erased now, before the outputs are taken.
    pub fn persisted(&mut self) -> bool {
        self.waiting = None;
        let mut erase = false;
        while !self.closed() {
            match self.held.pop_front() {
                Some(Held::Out(output)) => self.emit(output),
                Some(Held::EraseSealingKey) => erase = true,
                None => break,
            }
        }
        erase
    }

    /// Everything that may leave now, with a timer if it has changed.
    pub fn take(&mut self, timer: Option<u64>) -> Vec<Output<O>> {
        if let Some(at) = timer
            && self.last_timer != timer
        {
            self.ready.push(Output::Timer(at));
            self.last_timer = timer;
        }
        std::mem::take(&mut self.ready)
    }
}
