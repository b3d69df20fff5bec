-- The outbox: calls for vendors who could not be reached. A letter is claimed (standing 'sending') before its first byte leaves; one that
-- is found claimed by nobody alive may have been sent and is never sent again.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    made_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    connection TEXT NOT NULL,
    command TEXT NOT NULL,
    title TEXT NOT NULL,
    arguments TEXT NOT NULL,
    events TEXT NOT NULL,
    call TEXT NOT NULL,
    seen TEXT NOT NULL,
    destructive INTEGER NOT NULL,
    standing TEXT NOT NULL,
    detail TEXT NOT NULL,
    differences TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_by_standing ON outbox (standing);
