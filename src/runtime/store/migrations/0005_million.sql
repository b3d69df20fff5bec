-- What is read often is answered by indexes alone, whether there are a thousand events or a million. What is open is what analysts look at,
-- and it is a small part of what is kept, so it has indexes of its own.
DROP INDEX event_by_severity;
DROP INDEX event_by_status;
DROP INDEX event_by_rule;
CREATE INDEX event_by_severity ON event (severity DESC, occurred_at DESC, id DESC, status);
CREATE INDEX event_by_status ON event (status, occurred_at DESC, id DESC, severity);
CREATE INDEX event_open ON event (occurred_at DESC, id DESC, severity) WHERE status <> 2;
CREATE INDEX event_open_by_severity ON event (severity DESC, occurred_at DESC, id DESC) WHERE status <> 2;
CREATE INDEX event_open_by_arrival ON event (first_seen_at DESC, occurred_at DESC, id DESC) WHERE status <> 2;
-- Likeness, and groups from the left.
CREATE INDEX event_alike ON event (vendor, event_type, rule, connection, status, severity, disposition);
CREATE INDEX event_by_entity ON event (coalesce(entity_value, ''), status, severity);
