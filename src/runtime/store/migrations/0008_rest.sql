-- What a maximum cut off of a window that was asked for, from the place on that was reached: at `start`, only what comes after `key`.
CREATE TABLE IF NOT EXISTS rest (
    connection TEXT NOT NULL,
    source TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    key TEXT,
    PRIMARY KEY (connection, source, start)
) STRICT, WITHOUT ROWID;
