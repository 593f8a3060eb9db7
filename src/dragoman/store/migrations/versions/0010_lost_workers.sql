-- How often in a row whoever held this conversation died over it; 0 once somebody has brought his work on it to an end.
alter table conversations add column lost integer not null default 0;
