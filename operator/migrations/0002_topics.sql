-- Topics have no place for a mark of their owner. What is found below a new tenant's
-- prefix before anything was made for it is another's; from then on all is its own.
ALTER TABLE akili.tenants ADD COLUMN has_topics boolean NOT NULL DEFAULT false;
