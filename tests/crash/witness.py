"""Triggers in the database of a test, which keep what rows were before they changed: the checker looks at the way, not only at the end."""

WITNESS = """
create table witness (n bigserial primary key, what text not null, id uuid not null, conversation_id uuid, was text, became text, epoch int);

create function witness_message() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or old.state <> new.state then
        insert into witness (what, id, conversation_id, was, became)
        values ('message', new.id, new.conversation_id, case when tg_op = 'UPDATE' then old.state end, new.state);
    end if;
    if tg_op = 'UPDATE' and old.wamid is not null and old.wamid is distinct from new.wamid then
        insert into witness (what, id, conversation_id, was, became) values ('wamid', new.id, new.conversation_id, old.wamid, new.wamid);
    end if;
    return null;
end $$;
create trigger witness_message after insert or update on messages for each row execute function witness_message();

create function witness_conversation() returns trigger language plpgsql as $$
begin
    if new.fence < old.fence or new.epoch < old.epoch or new.last_seq < old.last_seq or new.answered_seq < old.answered_seq then
        insert into witness (what, id, conversation_id, was, became)
        values ('back', new.id, new.id, concat_ws('/', old.fence, old.epoch, old.last_seq, old.answered_seq),
                concat_ws('/', new.fence, new.epoch, new.last_seq, new.answered_seq));
    end if;
    return null;
end $$;
create trigger witness_conversation after update on conversations for each row execute function witness_conversation();

create function witness_turn() returns trigger language plpgsql as $$
begin
    if old.state <> new.state then
        insert into witness (what, id, conversation_id, was, became) values ('turn', new.id, new.conversation_id, old.state, new.state);
    end if;
    return null;
end $$;
create trigger witness_turn after update on turns for each row execute function witness_turn();

create function witness_attempt() returns trigger language plpgsql as $$
begin
    insert into witness (what, id, conversation_id) values ('attempt', new.message_id, new.conversation_id);
    return null;
end $$;
create trigger witness_attempt after insert on send_attempts for each row execute function witness_attempt();

create function witness_transfer() returns trigger language plpgsql as $$
begin
    insert into witness (what, id, conversation_id, epoch) values ('transfer', new.id, new.conversation_id, new.epoch);
    return null;
end $$;
create trigger witness_transfer after insert on transfers for each row execute function witness_transfer();
"""
