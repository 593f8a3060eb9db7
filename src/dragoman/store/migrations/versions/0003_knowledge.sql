-- What agents know. The tables of the job queue, procrastinate's own, are made beside this by the revision's Python file.

-- A document belongs to a knowledge base. An agent has one of its own, made with its first document, and may read others.
create table knowledge_bases (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    name text not null,
    agent_id uuid,                           -- whose own it is; null when it was made to be shared
    passages integer not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id)
);
create unique index knowledge_bases_by_agent on knowledge_bases (organisation_id, agent_id) where agent_id is not null;

create table agent_knowledge_bases (
    organisation_id uuid not null,
    agent_id uuid not null,
    knowledge_base_id uuid not null,
    primary key (organisation_id, agent_id, knowledge_base_id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id),
    foreign key (organisation_id, knowledge_base_id) references knowledge_bases (organisation_id, id)
);

create table documents (
    organisation_id uuid not null,
    id uuid not null,
    knowledge_base_id uuid not null,
    name text not null,
    kind text not null check (kind in ('file', 'url', 'faq', 'page')),
    state text not null default 'pending' check (state in ('pending', 'processing', 'ready', 'error')),
    cause text,                              -- what went wrong, or what is missing although it is ready, in plain words
    url text,
    object_key text,
    mime_type text,                          -- what the file is, as found in it
    size bigint not null default 0,
    sha256 text,
    settings jsonb not null default '{}',
    wanted integer not null default 1,       -- the version that is to be made
    version integer not null default 0,      -- the one that answers come from; 0 is none yet
    passages integer not null default 0,
    model text,                              -- whose vectors that version has
    created_at timestamptz not null,
    updated_at timestamptz not null,
    indexed_at timestamptz,
    primary key (organisation_id, id),
    foreign key (organisation_id, knowledge_base_id) references knowledge_bases (organisation_id, id)
);
create index documents_by_base on documents (organisation_id, knowledge_base_id, created_at, id);
create index documents_waiting on documents (organisation_id) where state in ('pending', 'processing');

-- A piece of a document. Every lexeme of tsv begins with a mark of its knowledge base (see `agents.knowledge.words`), so the
-- tenant is part of the index's key: what others know is neither found nor walked over.
create table passages (
    organisation_id uuid not null,
    document_id uuid not null,
    version integer not null,
    position integer not null,
    knowledge_base_id uuid not null,
    heading text not null,
    text text not null,
    url text,
    tokens integer not null,
    tsv tsvector not null,
    primary key (organisation_id, document_id, version, position)
) with (toast_tuple_target = 3000);
-- Ranking reads tsv of many rows, and text of few: tsv stays in the row as it is, text goes beside it when both are too much.
alter table passages alter column tsv set storage main, alter column text set storage external;
create index passages_by_words on passages using gin (tsv) with (fastupdate = off); -- a search must not read a waiting list first

-- Which words a knowledge base has, and in how many passages: how much a word tells, and which forms of it there are.
create table passage_words (
    organisation_id uuid not null,
    knowledge_base_id uuid not null,
    word text collate "C" not null,
    stem text collate "C" not null,
    passages integer not null,
    primary key (organisation_id, knowledge_base_id, word)
);
create index passage_words_by_stem on passage_words (organisation_id, knowledge_base_id, stem);

-- Vectors need pgvector 0.7 or later, which an external PostgreSQL may lack: then search goes by words alone. Once it is
-- installed there: select add_passage_vectors();
create function add_passage_vectors() returns boolean language plpgsql as $$
declare
    size integer;
begin
    create extension if not exists vector;
    if to_regclass('passage_vectors') is not null then
        return true;
    end if;
    create table passage_vectors (
        organisation_id uuid not null,
        document_id uuid not null,
        version integer not null,
        position integer not null,
        knowledge_base_id uuid not null,
        model text not null,
        dims integer not null,
        embedding halfvec not null,
        primary key (organisation_id, document_id, version, position)
    );
    alter table passage_vectors alter column embedding set storage plain;
    create index passage_vectors_by_base on passage_vectors (organisation_id, knowledge_base_id);
    -- One index for each usual size; vectors of another size are compared one by one.
    foreach size in array array[256, 384, 512, 768, 1024, 1536, 2048, 2560, 3072] loop
        execute format('create index passage_vectors_%s on passage_vectors using hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops)
                        where dims = %s', size, size, size);
    end loop;
    return true;
exception when others then
    raise notice 'no vectors: %', sqlerrm;
    return false;
end
$$;
select add_passage_vectors();
