-- What the vendor's status means in ours, and which revision a decision was made on (or the vendor was told of).
ALTER TABLE event ADD COLUMN vendor_means INTEGER;
ALTER TABLE event ADD COLUMN decided_revision INTEGER;
