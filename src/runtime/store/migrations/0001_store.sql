-- Events: what vendors said, and what became of it here. Times are nanoseconds since 1970, UTC.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    vendor TEXT NOT NULL,
    event_type TEXT NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity INTEGER NOT NULL,
    severity_origin TEXT NOT NULL,
    vendor_severity TEXT,
    vendor_status TEXT,
    vendor_assignee TEXT,
    occurred_at INTEGER NOT NULL,
    updated_at INTEGER,
    first_seen_at INTEGER NOT NULL,
    payload_hash BLOB NOT NULL,
    fields TEXT NOT NULL,
    entities TEXT NOT NULL,
    words TEXT NOT NULL,
    entity_kind TEXT,
    entity_value TEXT,
    revisions INTEGER NOT NULL DEFAULT 1,
    unread INTEGER NOT NULL DEFAULT 1,
    status INTEGER NOT NULL DEFAULT 0,
    assignee TEXT,
    disposition TEXT,
    decided_at INTEGER,
    decided_by TEXT,
    vendor_status_at_decision TEXT,
    UNIQUE (connection, event_type, key)
) STRICT;
CREATE INDEX event_by_time ON event (occurred_at DESC, id DESC);
CREATE INDEX event_by_severity ON event (severity DESC, occurred_at DESC, id DESC);
CREATE INDEX event_by_status ON event (status, occurred_at DESC, id DESC);
CREATE INDEX event_by_rule ON event (event_type, rule);

-- The vendor's records lie apart, so that the queue reads past none of them.
CREATE TABLE payload (
    event INTEGER PRIMARY KEY REFERENCES event (id) ON DELETE CASCADE,
    raw TEXT NOT NULL
) STRICT;

CREATE TABLE revision (
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entity (
    kind TEXT NOT NULL,
    normal TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, normal, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX entity_by_event ON entity (event);

-- Where each source stands, what it covered, and what is missing.
CREATE TABLE mark (
    connection TEXT NOT NULL,
    source TEXT NOT NULL,
    watermark INTEGER,
    resume_time INTEGER,
    resume_key TEXT,
    page_time INTEGER,
    page_key TEXT,
    PRIMARY KEY (connection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE coverage (
    connection TEXT NOT NULL,
    source TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    PRIMARY KEY (connection, source, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE gap (
    connection TEXT NOT NULL,
    source TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    reason TEXT NOT NULL,
    lasting INTEGER NOT NULL,
    found_at INTEGER NOT NULL,
    PRIMARY KEY (connection, source, start, end, lasting)
) STRICT, WITHOUT ROWID;

-- The record: a chain of entries, each with the hash of the one before.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    connection TEXT,
    command TEXT NOT NULL,
    items TEXT NOT NULL,
    effect TEXT NOT NULL,
    state TEXT NOT NULL,
    refers_to INTEGER,
    arguments TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_intent ON audit (refers_to) WHERE refers_to IS NOT NULL;
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;

CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX note_by_event ON note (event);

-- Cases.
CREATE TABLE "case" (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open',
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE TABLE case_event (
    "case" INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    PRIMARY KEY ("case", event)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_by_event ON case_event (event);
CREATE TABLE case_entry (
    id INTEGER PRIMARY KEY,
    "case" INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX case_entry_by_case ON case_entry ("case", id);
CREATE TABLE case_file (
    "case" INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY ("case", sha256, path)
) STRICT, WITHOUT ROWID;

-- How things are and what is under way.
CREATE TABLE health (
    connection TEXT PRIMARY KEY,
    last_success_at INTEGER,
    last_error TEXT,
    last_error_at INTEGER,
    consecutive_failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE job_run (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    result TEXT NOT NULL
) STRICT;
CREATE INDEX job_run_by_name ON job_run (name, id DESC);
-- Small values of the console (view state, drafts, form history, followed tasks, outbox), JSON by kind and key.
CREATE TABLE keep (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
