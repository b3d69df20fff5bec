-- Digests that an event told to be of one file (core::same_file), each pair both ways. By the key it is one step to the first and one to
-- the last that was told of an algorithm, however many events told it.
CREATE TABLE same_file (
    hash TEXT NOT NULL,
    digest TEXT NOT NULL,
    other TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    PRIMARY KEY (hash, digest, other, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX same_file_by_event ON same_file (event);
-- What the events that are there told; those with fewer than two hashes told nothing.
INSERT OR IGNORE INTO same_file (hash, digest, other, event)
SELECT pair.value ->> 0, pair.value ->> 1, pair.value ->> 2, payload.event
FROM payload, json_each(nd_same_files(payload.raw)) AS pair
WHERE payload.event IN (SELECT event FROM entity WHERE kind = 'hash' GROUP BY event HAVING count(*) > 1);
