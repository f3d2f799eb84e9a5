import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { SHAPES, type Shape } from './legacy.fixture.ts';
import { findLegacyTable, legacyColumns } from './legacy-shape.ts';

function find(sql: string) {
  const db = new Database(':memory:');
  db.exec(sql);
  return findLegacyTable(db);
}

describe('the message table of mesh/1', () => {
  it.each<[Shape, string, string]>([
    ['mesh1', 'mesh_messages', 'time'],
    ['signed', 'messages', 'arrival'],
    ['camel', 'log', 'scan'],
    ['short', 'the "messages"', 'scan'],
  ])('is found in the shape %s and walked in an order that needs no sorting', (shape, name, order) => {
    expect(find(SHAPES[shape])).toMatchObject({ name, order });
  });

  it('takes spellings with and without case, underscores and "_id"', () => {
    const columns = (names: string) => legacyColumns(names.split(' '));
    expect(columns('messageId channelID SENDER Body time_stamp')).toMatchObject({
      id: 'messageId',
      channel: 'channelID',
      sender: 'SENDER',
      timestamp: 'time_stamp',
      payload: undefined,
      signature: undefined,
    });
    expect(columns('id message_id channel sender body timestamp payload signature')).toMatchObject({
      id: 'message_id',
      payload: 'payload',
      signature: 'signature',
    });
  });

  it.each([
    'id channel sender body',
    'id channel_id agent_id body payload created_at',
    'message_id channel_id sender_id text timestamp',
    'rowid message_id channel_id sender_id body timestamp',
    '',
  ])('is not what has the columns "%s"', (names) => {
    expect(legacyColumns(names.split(' '))).toBeUndefined();
  });

  it('is preferred by the name that mesh/1 gave it', () => {
    const columns = '(id, channel, sender, body, timestamp)';
    expect(find(`CREATE TABLE a ${columns}; CREATE TABLE mesh_messages ${columns};`)?.name).toBe(
      'mesh_messages',
    );
    expect(find(`CREATE TABLE b ${columns}; CREATE TABLE a ${columns};`)?.name).toBe('a');
  });

  it('is no view, no virtual table, no table without row ids and none in UTF-16', () => {
    const columns = '(id, channel, sender, body, timestamp)';
    expect(find(`CREATE TABLE t ${columns}; DROP TABLE t;`)).toBeUndefined();
    expect(find('CREATE VIEW v AS SELECT 1 id, 2 channel, 3 sender, 4 body, 5 timestamp;')).toBeUndefined();
    expect(find(`CREATE VIRTUAL TABLE v USING fts5(id, channel, sender, body, timestamp);`)).toBeUndefined();
    expect(
      find('CREATE TABLE t (id PRIMARY KEY, channel, sender, body, timestamp) WITHOUT ROWID;'),
    ).toBeUndefined();
    expect(find(`PRAGMA encoding = 'UTF-16le'; CREATE TABLE t ${columns};`)).toBeUndefined();
  });

  it('is scanned where the indexes do not begin with the channel', () => {
    const table = 'CREATE TABLE t (id, channel, sender, body, timestamp);';
    expect(find(`${table} CREATE INDEX i ON t (timestamp);`)?.order).toBe('scan');
    expect(find(`${table} CREATE INDEX i ON t (timestamp, channel);`)?.order).toBe('scan');
    expect(find(`${table} CREATE INDEX i ON t (channel) WHERE id > 5;`)?.order).toBe('scan');
    expect(find(`${table} CREATE INDEX i ON t (channel, sender);`)?.order).toBe('scan');
    expect(find(`${table} CREATE INDEX i ON t (channel, timestamp DESC);`)?.order).toMatch(/time|scan/);
  });
});
