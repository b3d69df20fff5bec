-- Words are found by an index. What it holds stands in event.words: plain words with a blank before each, and a sign between values.
-- Everything but ASCII signs is a part of a word to this tokenizer; the words were made by core::search.
CREATE VIRTUAL TABLE event_words USING fts5 (words, content = 'event', content_rowid = 'id', tokenize = 'ascii', columnsize = 0);
UPDATE event SET words = nd_haystack(words);
INSERT INTO event_words (event_words) VALUES ('rebuild');
CREATE TRIGGER words_of_new AFTER INSERT ON event BEGIN
    INSERT INTO event_words (rowid, words) VALUES (new.id, new.words);
END;
CREATE TRIGGER words_of_changed AFTER UPDATE OF words ON event WHEN old.words <> new.words BEGIN
    INSERT INTO event_words (event_words, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO event_words (rowid, words) VALUES (new.id, new.words);
END;
CREATE TRIGGER words_of_gone AFTER DELETE ON event BEGIN
    INSERT INTO event_words (event_words, rowid, words) VALUES ('delete', old.id, old.words);
END;
