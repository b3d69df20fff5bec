//! The planner: gives the next call of a playbook and is told what came of it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::template::{Known, Reference, entities, pick, references};
use super::{Addressee, Playbook, Step};
use crate::core::catalogue::{Given, Invalid, Parameter, Type, validate_value};
use crate::core::event::StoredEvent;
use crate::core::outcome::ReturnData;

/// A playbook under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    playbook: Playbook,
    inputs: Map<String, Value>,
    event: Option<StoredEvent>,
    /// Results of the steps so far, by name; none where nothing was sent.
    results: Vec<(String, Option<Value>)>,
    step: usize,
    /// What is left of `for_each`, of the step that is under way.
    items: Option<Vec<Value>>,
    /// What the runs of the step under way gave back.
    gathered: Vec<Option<Value>>,
    stopped: bool,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Name of the step.
    pub step: String,
    /// Where it goes.
    pub to: Addressee,
    /// The command.
    pub command: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The value of `for_each` that it is for.
    pub item: Option<Value>,
    /// Earlier steps whose results it needs and that have none, as in a dry run; its arguments show the placeholders.
    pub pending: Vec<String>,
}

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this, then say what came of it with [`Run::ended`].
    Call(Call),
    /// This step is left out, and why.
    Skipped(String, String),
    /// This step cannot be run, and why. Whether the playbook goes on is as after a failure.
    Failed(String, String),
    /// There is no more.
    Done,
}

impl Run {
    /// Begins: checks the inputs, fills those that were not given from the event, and checks that every placeholder that does not need
    /// a result finds something.
    ///
    /// # Errors
    /// Everything that is missing or wrong; nothing is to be sent then.
    pub fn begin(playbook: Playbook, given: &[(String, Given)], event: Option<StoredEvent>, now: Timestamp) -> Result<Self, Vec<Invalid>> {
        let mut inputs = Map::new();
        let mut complaints = Vec::new();
        for (name, _) in given {
            if !playbook.inputs.iter().any(|input| input.name == *name) {
                let known: Vec<&str> = playbook.inputs.iter().map(|input| input.name.as_str()).collect();
                complaints.push(Invalid::new(name, format!("There is no input {name}; there are: {}.", known.join(", "))));
            }
        }
        for input in &playbook.inputs {
            let value = given.iter().rev().find(|(name, _)| *name == input.name).map(|(_, value)| value.clone());
            let value = value.or_else(|| Some(Given::Json(proposed(&playbook, input, event.as_ref()?)?)));
            match value.map_or(Ok(None), |value| validate_value(input, value, now)) {
                Err(complaint) => complaints.push(complaint),
                Ok(Some(value)) => {
                    inputs.insert(input.name.clone(), value);
                }
                Ok(None) => match &input.default {
                    Some(value) => {
                        inputs.insert(input.name.clone(), value.clone());
                    }
                    None if input.required => complaints.push(Invalid::new(&input.name, unfilled(input, event.as_ref()))),
                    None => {}
                },
            }
        }
        let run = Self { playbook, inputs, event, results: Vec::new(), step: 0, items: None, gathered: Vec::new(), stopped: false };
        if complaints.is_empty() {
            complaints = run.rehearse();
        }
        if complaints.is_empty() { Ok(run) } else { Err(complaints) }
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// The inputs as they are now.
    pub fn inputs(&self) -> &Map<String, Value> {
        &self.inputs
    }

    /// The inputs, secret ones masked.
    pub fn masked_inputs(&self) -> Map<String, Value> {
        let secret = |name: &str| self.playbook.inputs.iter().any(|input| input.name == name && input.secret);
        self.inputs.iter().map(|(name, value)| (name.clone(), if secret(name) { Value::from("***") } else { value.clone() })).collect()
    }

    /// The event that it is for.
    pub fn event(&self) -> Option<&StoredEvent> {
        self.event.as_ref()
    }

    /// Results of steps so far.
    pub fn results(&self) -> &[(String, Option<Value>)] {
        &self.results
    }

    /// Goes through all steps as if nothing gave a result, for what is missing.
    fn rehearse(&self) -> Vec<Invalid> {
        let mut run = self.clone();
        let mut complaints = Vec::new();
        loop {
            match run.next_call() {
                Next::Call(_) => run.ended(ReturnData::Successful, None),
                Next::Skipped(..) => {}
                Next::Failed(step, reason) => {
                    complaints.push(Invalid::new(&step, format!("Step {step}: {reason}")));
                    run.stopped = false;
                }
                Next::Done => return complaints,
            }
        }
    }

    fn known<'a>(&'a self, item: Option<&'a Value>) -> Known<'a> {
        Known { inputs: &self.inputs, event: self.event.as_ref(), steps: &self.results, item, last: None }
    }

    /// What is next. A call that is not ended is given again, so that one can resume where it stopped.
    pub fn next_call(&mut self) -> Next {
        let Some(step) = self.playbook.steps.get(self.step).filter(|_| !self.stopped).cloned() else { return Next::Done };
        match self.call(&step) {
            Ok(Ok(call)) => Next::Call(call),
            Ok(Err(reason)) => {
                // What depends on a step that was left out finds nothing, and says so.
                self.results.push((step.name.clone(), Some(Value::Null)));
                self.advance();
                Next::Skipped(step.name, reason)
            }
            Err(reason) => {
                self.ended(ReturnData::Failed, Some(Value::Null));
                Next::Failed(step.name, reason)
            }
        }
    }

    /// The call of a step; or why it is left out; or why it cannot be.
    fn call(&mut self, step: &Step) -> Result<Result<Call, String>, String> {
        let mut pending = Vec::new();
        if let Some(when) = &step.when
            && self.items.is_none()
        {
            match self.known(None).holds(when)? {
                Some(false) => return Ok(Err(format!("{when} does not hold"))),
                None => pending.extend(self.unsent(when)),
                Some(true) => {}
            }
        }
        if let Some(each) = &step.for_each
            && self.items.is_none()
        {
            let found = self.known(None).resolve(&Value::Array(vec![Value::from(each.as_str())]))?;
            let found = found.unwrap_or_default();
            pending.extend(found.pending);
            let items = found.value.as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return Ok(Err(format!("{each} has no values")));
            }
            self.items = Some(items);
        }
        let item = self.items.as_ref().and_then(|items| items.first()).cloned();
        let mut arguments = Map::new();
        for (name, value) in &step.arguments {
            let resolved = self.known(item.as_ref()).resolve(value).map_err(|reason| format!("{name}: {reason}"))?;
            if let Some(found) = resolved {
                pending.extend(found.pending);
                arguments.insert(name.clone(), found.value);
            }
        }
        pending = pending.into_iter().fold(Vec::new(), |mut once, name| {
            if !once.contains(&name) {
                once.push(name);
            }
            once
        });
        let (to, command) = (step.to.clone(), step.command.clone());
        Ok(Ok(Call { step: step.name.clone(), to, command, arguments, item, pending }))
    }

    /// The steps that a condition waits for.
    fn unsent(&self, when: &str) -> Vec<String> {
        let named: Vec<String> = references(when)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|reference| if let Reference::Step(name, _) = reference { Some(name) } else { None })
            .collect();
        self.results.iter().filter(|(name, result)| result.is_none() && named.contains(name)).map(|(name, _)| name.clone()).collect()
    }

    /// Says what came of the call that was given last: its state and its raw data, or no data where nothing was sent.
    pub fn ended(&mut self, state: ReturnData, raw: Option<Value>) {
        let Some(step) = self.playbook.steps.get(self.step) else { return };
        let (name, goes_on, each) = (step.name.clone(), step.continue_on_error, step.for_each.is_some());
        self.gathered.push(raw);
        if let Some(items) = &mut self.items
            && !items.is_empty()
        {
            items.remove(0);
        }
        let failed = state == ReturnData::Failed;
        if failed && !goes_on {
            self.stopped = true;
        }
        if self.items.as_ref().is_some_and(|items| !items.is_empty()) && !self.stopped {
            return;
        }
        let gathered = std::mem::take(&mut self.gathered);
        // Of a step that runs for several, the results are a list.
        let result =
            if each { gathered.into_iter().collect::<Option<Vec<_>>>().map(Value::Array) } else { gathered.into_iter().next().flatten() };
        self.results.push((name, result));
        self.advance();
    }

    fn advance(&mut self) {
        self.step += 1;
        self.items = None;
        self.gathered.clear();
    }
}

/// What an event proposes for an input. Ids that only one vendor knows are for playbooks that go to that vendor.
pub fn proposed(playbook: &Playbook, input: &Parameter, event: &StoredEvent) -> Option<Value> {
    let goes_there = playbook.steps.iter().any(|step| match &step.to {
        Addressee::Vendor(vendor) => *vendor == event.vendor,
        Addressee::Connection(name) => *name == event.connection,
    });
    let is_id = |path: &str| matches!(path, "$.id" | "$.Id" | "$.uuid");
    let paths = input.prefill_paths.iter().filter(|(_, path)| goes_there || !is_id(path)).map(|(_, path)| pick(&event.event.raw, path));
    let kinds = input.prefill.iter().filter(|kind| goes_there || !kind.is_local()).map(|kind| entities(event, *kind));
    let found = paths.chain(kinds).find(|found| !found.is_empty())?;
    if matches!(input.r#type, Type::List { .. }) { Some(Value::Array(found)) } else { found.into_iter().next() }
}

fn unfilled(input: &Parameter, event: Option<&StoredEvent>) -> String {
    let paths = input.prefill_paths.iter().map(|(_, path)| path.as_str());
    let from: Vec<&str> = input.prefill.iter().map(|kind| kind.as_str()).chain(paths).collect();
    match event {
        _ if from.is_empty() => format!("Input {0} is required; give it as {0}=VALUE.", input.name),
        None => format!("Input {0} is required; give it as {0}=VALUE, or name an event that has it ({1}).", input.name, from.join(", ")),
        Some(event) => format!("Event {} has no {} for input {2}; give it as {2}=VALUE.", event.id, from.join(", "), input.name),
    }
}
