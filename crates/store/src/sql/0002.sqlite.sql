CREATE TABLE work (kind TEXT NOT NULL, number BIGINT NOT NULL, seq BIGINT NOT NULL, first_seq BIGINT NOT NULL,
    state TEXT NOT NULL, ended BIGINT NOT NULL, provenance TEXT NOT NULL, enterprise TEXT NOT NULL, town TEXT NOT NULL,
    industry TEXT NOT NULL, receiver TEXT NOT NULL, owner TEXT NOT NULL, grade TEXT NOT NULL, source TEXT NOT NULL,
    category TEXT NOT NULL, title TEXT NOT NULL, tag TEXT NOT NULL, alarm TEXT NOT NULL, parent TEXT NOT NULL,
    due BIGINT, overdue BIGINT NOT NULL, created_at BIGINT NOT NULL, ended_at BIGINT, recurrence_of TEXT NOT NULL,
    PRIMARY KEY (kind, number)) WITHOUT ROWID;
INSERT INTO work (kind, number, seq, first_seq, state, ended, provenance, enterprise, town, industry, receiver, owner,
    grade, source, category, title, tag, alarm, parent, due, overdue, created_at, ended_at, recurrence_of)
    SELECT 'order', id, seq, seq, '', closed, 'real', '', '', '', '', '', '', '', '', '', '',
    CASE WHEN alarm IS NULL THEN '' ELSE 'A-' || printf('%06d', alarm) END, '', NULL, 0, 0, NULL, ''
    FROM orders;
DROP TABLE orders;
CREATE INDEX work_first ON work (kind, first_seq);
CREATE INDEX work_open ON work (ended, kind, first_seq);
CREATE INDEX work_enterprise ON work (enterprise, kind, first_seq);
CREATE INDEX work_receiver ON work (receiver, first_seq);
CREATE INDEX work_parent ON work (parent);
CREATE TABLE attachments (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, media_type TEXT NOT NULL,
    bytes BIGINT NOT NULL, at BIGINT NOT NULL, account TEXT NOT NULL);
ALTER TABLE tokens ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN party TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN label TEXT NOT NULL DEFAULT '';
