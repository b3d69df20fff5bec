//! Jobs: health check, fetch and renewal of delegated tokens, each on its connection's own schedule, never twice at once over all
//! processes. A run that was missed is made up at the next look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fetch::FetchOptions;
use super::opened::Opened;
use super::run::{RunOptions, RunReport, Runner};
use crate::core::catalogue::Auth;
use crate::core::outcome::{Failure, ReturnData};
use crate::core::sign_in::SignIn;
use crate::secrets::vault::try_lock;

/// Minutes between renewals of a delegated token where the connection says nothing: a week, well within the 90 days of Entra.
const RENEWAL_MINUTES: u32 = 7 * 24 * 60;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs the connection's test command.
    HealthCheck,
    /// Fetches its events.
    Fetch,
    /// Renews its delegated refresh token.
    RefreshTokenRenewal,
}

impl Kind {
    const ALL: [(&'static str, Self); 3] =
        [("health-check", Self::HealthCheck), ("fetch", Self::Fetch), ("refresh-token-renewal", Self::RefreshTokenRenewal)];

    /// The job of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// What a connection does while it runs.
    pub fn doing(self) -> &'static str {
        match self {
            Self::HealthCheck => "being tested",
            Self::Fetch => "fetching",
            Self::RefreshTokenRenewal => "renewing its token",
        }
    }

    /// The job's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// One job of one connection.
#[derive(Clone, Debug)]
pub struct Job {
    /// The connection.
    pub opened: Arc<Opened>,
    /// What it does.
    pub kind: Kind,
    /// Minutes between runs; without, it runs only when asked.
    pub every_minutes: Option<u32>,
}

impl Job {
    /// `CONNECTION/JOB`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.opened.connection.name, self.kind.as_str())
    }
}

/// When a job ran and runs.
#[derive(Clone, Debug, Default)]
pub struct JobState {
    /// When it last ran.
    pub last_run_at: Option<Timestamp>,
    /// When it runs next; in the past where a run was missed.
    pub next_run_at: Option<Timestamp>,
    /// What came of the last run.
    pub last_result: Option<String>,
}

impl JobState {
    /// Whether it should run now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_run_at.is_some_and(|next| next <= now)
    }
}

/// What came of a job.
#[derive(Clone, Debug)]
pub struct JobReport {
    /// `CONNECTION/JOB`.
    pub name: String,
    /// The connection.
    pub connection: String,
    /// The state.
    pub result: ReturnData,
    /// What happened, in a sentence.
    pub message: String,
    /// The fetch's or test's own report.
    pub detail: Value,
    /// Whether it was refused before any request was made.
    pub refused: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// What carrying a job out came to: the parts of its report that are not about the job.
struct Done {
    result: ReturnData,
    message: String,
    detail: Value,
    refused: bool,
}

impl Done {
    fn new(result: ReturnData, message: impl Into<String>) -> Self {
        Self { result, message: message.into(), detail: json!({}), refused: false }
    }

    fn failed(failure: Failure) -> Self {
        Self { detail: json!({"errors": [&failure]}), ..Self::new(ReturnData::Failed, failure.message) }
    }
}

impl Runner {
    /// Runs a connection's test command and keeps how it is.
    pub async fn test(&self, opened: &Arc<Opened>, options: RunOptions) -> RunReport {
        let report = self.run(&opened.connection.name, &opened.entry.test, Vec::new(), options).await;
        let failed = report.outcome.return_data == ReturnData::Failed;
        let message = failed.then(|| report.outcome.errors.first().map_or_else(|| report.outcome.message.clone(), Failure::whole));
        self.keep_health(&opened.connection.name, message).await;
        report
    }

    /// Keeps that a connection worked, or what was wrong.
    pub(super) async fn keep_health(&self, connection: &str, error: Option<String>) {
        if let Err(error) = self.store().record_health(connection, error.as_deref(), Timestamp::now()).await {
            tracing::warn!(%error, "the connection's health could not be kept");
        }
    }

    /// Every job of every active connection, on a schedule or not.
    pub async fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for kind in Kind::ALL.map(|(_, kind)| kind) {
            jobs.extend(self.jobs_of(kind).await);
        }
        jobs.sort_by_key(Job::name);
        jobs
    }

    /// The jobs of a connection that have a schedule.
    pub async fn scheduled(&self, opened: &Arc<Opened>) -> Vec<Job> {
        let mut jobs = Vec::new();
        for kind in Kind::ALL.map(|(_, kind)| kind) {
            jobs.extend(self.job_of(opened, kind).await.filter(|job| job.every_minutes.is_some()));
        }
        jobs
    }

    /// A job for every active connection that has it, on a schedule or not.
    pub async fn jobs_of(&self, kind: Kind) -> Vec<Job> {
        let mut jobs = Vec::new();
        for opened in self.connections() {
            jobs.extend(self.job_of(opened, kind).await);
        }
        jobs
    }

    /// A connection's job, where it is active and has it.
    async fn job_of(&self, opened: &Arc<Opened>, kind: Kind) -> Option<Job> {
        let connection = &opened.connection;
        let every_minutes = match kind {
            _ if !connection.active => return None,
            Kind::HealthCheck => connection.health_check_minutes,
            Kind::Fetch if opened.entry.sources.is_empty() => return None,
            Kind::Fetch => connection.fetch_minutes,
            Kind::RefreshTokenRenewal if self.delegated(opened).await.is_empty() => return None,
            Kind::RefreshTokenRenewal => Some(connection.token_renewal_minutes.unwrap_or(RENEWAL_MINUTES)),
        };
        Some(Job { opened: Arc::clone(opened), kind, every_minutes })
    }

    /// When a job ran and runs.
    pub async fn job_state(&self, job: &Job) -> JobState {
        let last = self.store().last_job(&job.name()).await.ok().flatten();
        let last_run_at = last.as_ref().map(|run| run.started_at);
        let next_run_at = job.every_minutes.map(|minutes| match last_run_at {
            Some(last) => last.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX),
            None => Timestamp::now(),
        });
        JobState { last_run_at, next_run_at, last_result: last.map(|run| run.result) }
    }

    /// Runs jobs: those of a connection one after the other, those of several beside each other, since a vendor that does not answer
    /// must hold up no other. The reports come in the order of the jobs.
    pub async fn run_jobs(&self, jobs: Vec<Job>, cancel: &CancellationToken) -> Vec<JobReport> {
        let mut by_connection: BTreeMap<String, Vec<(usize, Job)>> = BTreeMap::new();
        for (place, job) in jobs.into_iter().enumerate() {
            by_connection.entry(job.opened.connection.name.clone()).or_default().push((place, job));
        }
        let tasks = by_connection.into_values().map(|jobs| {
            let (runner, cancel) = (self.clone(), cancel.clone());
            tokio::spawn(async move {
                let mut reports = Vec::new();
                for (place, job) in jobs {
                    if !cancel.is_cancelled() {
                        reports.push((place, runner.run_job(&job, cancel.clone()).await));
                    }
                }
                reports
            })
        });
        let ended = futures::future::join_all(tasks).await;
        let mut reports: Vec<_> = ended.into_iter().filter_map(Result::ok).flatten().collect();
        reports.sort_by_key(|(place, _)| *place);
        reports.into_iter().map(|(_, report)| report).collect()
    }

    /// Runs a job, unless another process does so now.
    pub async fn run_job(&self, job: &Job, cancel: CancellationToken) -> JobReport {
        let started_at = Timestamp::now();
        let options = RunOptions { cancel, ..RunOptions::default() };
        let dir = self.lock_dir();
        // Not the lock of what it does: a fetch takes its own.
        let file = dir.join(format!("{}.{}-job.lock", job.opened.connection.name, job.kind.as_str()));
        let lock = crate::config::files::private_dir(&dir).and_then(|()| try_lock(&file));
        let Done { result, message, detail, refused } = match lock {
            Ok(Some(_lock)) => {
                let done = self.carry_out(job, options.clone()).await;
                // A vendor that answers can have what waits for it.
                if matches!(job.kind, Kind::HealthCheck | Kind::Fetch) && done.result != ReturnData::Failed {
                    self.flush(&job.opened.connection.name, &options).await;
                }
                if let Err(error) = self.store().job_run(&job.name(), started_at, Timestamp::now(), done.result.as_str()).await {
                    tracing::warn!(%error, "a job's run could not be kept");
                }
                done
            }
            Ok(None) => Done::new(ReturnData::Successful, "Another nightdesk is running this job now."),
            Err(error) => Done::new(ReturnData::Failed, format!("The job's lock cannot be had: {error}.")),
        };
        JobReport {
            name: job.name(),
            connection: job.opened.connection.name.clone(),
            result,
            message,
            detail,
            refused,
            started_at,
            finished_at: Timestamp::now(),
        }
    }

    async fn carry_out(&self, job: &Job, options: RunOptions) -> Done {
        match job.kind {
            Kind::HealthCheck => {
                let report = self.test(&job.opened, options).await;
                let detail = json!({"return_data": report.outcome.return_data, "errors": report.outcome.errors});
                Done { result: report.outcome.return_data, message: report.outcome.message, detail, refused: report.refused }
            }
            Kind::Fetch => {
                let report = self.fetch(&job.opened, &FetchOptions { give_way: true, run: options, ..FetchOptions::default() }).await;
                let message = match report.errors.first() {
                    Some(failure) => failure.message.clone(),
                    None => format!("{} new, {} updated, {} unchanged.", report.counts.new, report.counts.updated, report.counts.unchanged),
                };
                Done { result: report.return_data, message, detail: report.json(), refused: report.refused }
            }
            Kind::RefreshTokenRenewal => self.renew(&job.opened, &options).await,
        }
    }

    /// The sign-ins of a connection for which a refresh token is known; where its secrets cannot be had, those that are configured with one.
    async fn delegated(&self, opened: &Opened) -> Vec<SignIn> {
        let mut found: Vec<SignIn> = Vec::new();
        let door = self.door(opened).await;
        for root in &opened.entry.roots {
            if let Auth::SignIn(sign_in) = &root.auth
                && !found.iter().any(|known| known.slot == sign_in.slot)
                && match &door {
                    Ok(door) => door.tokens().is_delegated(sign_in).await,
                    Err(_) => {
                        sign_in.delegation().and_then(|refresh| refresh.parameter.as_deref()).is_some_and(|name| opened.names_secret(name))
                    }
                }
            {
                found.push((**sign_in).clone());
            }
        }
        found
    }

    async fn renew(&self, opened: &Opened, options: &RunOptions) -> Done {
        let indicator = "Refresh Token Renewal Job failed.";
        let door = match self.door(opened).await {
            Ok(door) => door,
            Err(invalid) => return Done { refused: true, ..Done::failed(Failure::new(indicator, invalid.message)) },
        };
        let sign_ins = self.delegated(opened).await;
        if sign_ins.is_empty() {
            return Done::failed(Failure::new(indicator, format!("Refresh Token is not configured for {}.", opened.connection.name)));
        }
        let scope = self.scope(options, Instant::now() + options.timeout.unwrap_or(Duration::from_secs(60)));
        for sign_in in sign_ins {
            if let Err(trouble) = door.tokens().renew(&door, &sign_in, &scope).await {
                let mut failure = trouble.failure(indicator);
                self.mask_failure(&mut failure);
                failure.hint = Some("Sign in again: run get-authorization, then generate-token. The old token is kept.".into());
                return Done::failed(failure);
            }
        }
        let message = format!("New refresh token is set for {}.", opened.connection.name);
        Done { detail: json!({"errors": []}), ..Done::new(ReturnData::Successful, message) }
    }
}
