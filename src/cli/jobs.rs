//! `nightdesk jobs`: the scheduled jobs, and a run of one (or of all that are due), for cron.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{CannotBegin, Context, interruptible};
use super::output::complain;
use super::{INTERRUPTED, WRONG_CALL, exit_code};
use crate::runtime::jobs::{Job, JobReport, Kind};
use crate::runtime::run::Runner;

/// Verbs of `nightdesk jobs`.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List the jobs, when they ran and when they run next
    List,
    /// Run a job now; without a name, all that are due
    Run(Run),
}

/// Arguments of `nightdesk jobs run`.
#[derive(Debug, Args)]
pub struct Run {
    /// CONNECTION/JOB, or a job for every connection that has it: health-check, fetch, refresh-token-renewal
    name: Option<String>,
    /// Only connections of these environments: "A","B"
    #[arg(long, value_name = "\"A\",\"B\"")]
    environments: Option<String>,
}

impl Jobs {
    /// A job of one connection is stopped by what is wrong with that one only.
    fn runner(&self, context: &Context) -> Result<Runner, CannotBegin> {
        let named = match self {
            Self::Run(Run { name: Some(name), .. }) => name.rsplit_once('/').map(|(connection, _)| connection.to_owned()),
            _ => None,
        };
        context.runner_for(named.as_slice())
    }

    pub(super) async fn carry_out(self, context: &Context) -> u8 {
        let runner = match self.runner(context) {
            Ok(runner) => runner,
            Err(cannot) => return cannot.say(),
        };
        match self {
            Self::List => {
                let mut rows = Vec::new();
                for job in runner.jobs().await {
                    let state = runner.job_state(&job).await;
                    rows.push(json!({
                        "name": job.name(), "connection": job.opened.connection.name, "every_minutes": job.every_minutes,
                        "last_run_at": state.last_run_at, "next_run_at": state.next_run_at, "last_result": state.last_result,
                    }));
                }
                let columns = [
                    ("JOB", "name"),
                    ("EVERY (MIN)", "every_minutes"),
                    ("LAST RUN", "last_run_at"),
                    ("NEXT RUN", "next_run_at"),
                    ("LAST RESULT", "last_result"),
                ];
                context.output.rows(&rows, &columns);
                0
            }
            Self::Run(run) => {
                let (chosen, mut unknown) = match choose(&runner, &run).await {
                    Ok(chosen) => chosen,
                    Err(reason) => {
                        complain(&reason);
                        return WRONG_CALL;
                    }
                };
                let cancel = interruptible();
                let reports = runner.run_jobs(chosen, &cancel).await;
                for report in &reports {
                    context.output.rows(&[line(report)], &[("JOB", "name"), ("RESULT", "result"), ("MESSAGE", "message")]);
                }
                if cancel.is_cancelled() {
                    return INTERRUPTED;
                }
                unknown.iter_mut().for_each(|name| complain(&format!("there is no environment {name}")));
                let ended: Vec<_> = reports.iter().map(|report| (report.result, report.refused)).collect();
                match exit_code(&ended) {
                    // Of the environments that were named, one was not done.
                    0 if unknown.is_empty() => 0,
                    0 if ended.is_empty() => 1,
                    0 => 3,
                    code => code,
                }
            }
        }
    }
}

async fn choose(runner: &Runner, run: &Run) -> Result<(Vec<Job>, Vec<String>), String> {
    let all = runner.jobs().await;
    let mut chosen = match &run.name {
        None => {
            let mut due = Vec::new();
            for job in all {
                if runner.job_state(&job).await.is_due(Timestamp::now()) {
                    due.push(job);
                }
            }
            due
        }
        Some(name) => match Kind::parse(name) {
            Some(kind) => runner.jobs_of(kind).await,
            None => {
                let found: Vec<Job> = match name.rsplit_once('/') {
                    Some((connection, kind)) => {
                        let opened = runner.connection(connection).ok_or_else(|| runner.unknown_connection(connection))?;
                        let kind = Kind::parse(kind)
                            .ok_or_else(|| format!("there is no job {kind}; there are health-check, fetch, refresh-token-renewal"))?;
                        vec![Job { opened: std::sync::Arc::clone(opened), kind, every_minutes: None }]
                    }
                    None => {
                        return Err(format!(
                            "there is no job {name}; there are health-check, fetch, refresh-token-renewal, each also as CONNECTION/JOB"
                        ));
                    }
                };
                found
            }
        },
    };
    let mut unknown = Vec::new();
    if let Some(text) = run.environments.as_deref().filter(|text| !text.trim().is_empty()) {
        let names = environments(text)?;
        let known = |name: &String| runner.connections().iter().any(|opened| opened.connection.environment == *name);
        unknown = names.iter().filter(|name| !known(name)).cloned().collect();
        chosen.retain(|job| names.contains(&job.opened.connection.environment));
    }
    Ok((chosen, unknown))
}

/// Reads a list of environments: one bare name, or several in double quotes with commas between (seed 000, Integration Environments).
fn environments(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    if !text.contains('"') {
        return Ok(vec![text.to_owned()]);
    }
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    loop {
        let inner =
            rest.strip_prefix('"').ok_or_else(|| format!("the environments must each stand in double quotes; this does not: {rest}"))?;
        let (name, after) = inner.split_once('"').ok_or("the environments have unmatched double quotes")?;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(names);
        }
        rest = after.strip_prefix(',').ok_or_else(|| format!("a comma must stand between environments, not: {after}"))?.trim_start();
    }
}

fn line(report: &JobReport) -> Value {
    let mut line = report.detail.clone();
    if let Some(object) = line.as_object_mut() {
        object.insert("name".into(), report.name.clone().into());
        object.insert("connection".into(), report.connection.clone().into());
        object.insert("result".into(), json!(report.result));
        object.insert("message".into(), report.message.clone().into());
        object.insert("started_at".into(), json!(report.started_at));
        object.insert("finished_at".into(), json!(report.finished_at));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::environments;

    #[test]
    fn environments_are_read_as_the_document_says() {
        assert_eq!(environments("Default Environment").unwrap(), ["Default Environment"]);
        assert_eq!(environments("A, B").unwrap(), ["A, B"]);
        assert_eq!(environments("\"A\" , \"B\"").unwrap(), ["A", "B"]);
        assert_eq!(environments("\"A, Inc\",\"B\"").unwrap(), ["A, Inc", "B"]);
        assert_eq!(environments("\"A\",\"A\"").unwrap(), ["A"]);
        assert!(environments("\"A\",B").unwrap_err().contains('B'));
        assert!(environments("\"A").is_err());
    }
}
