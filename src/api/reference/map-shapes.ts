/** What `GET /v1/map` answers, as `shapes.ts` has the others. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.ts';
import type { MapJson, MapLinkJson, MapRelayJson } from '../client/map-types.ts';
import { addressShape, id, shape, time, whole } from './shapes.ts';

const mapRelayShape = shape(
  'MapRelay',
  z.object({
    peer: id().describe('id of the relay'),
    urls: z.array(z.string()).describe('addresses from its record; it wrote them itself'),
    hops: whole()
      .nullable()
      .describe('how many links it is away, over links that both ends confirm; null if none lead to it'),
    parent: id()
      .nullable()
      .describe(
        'the relay before it on the shortest way from this daemon; null for this one and without a way',
      ),
    links: z.array(id()).describe('relays that it is linked with, confirmed by both records'),
    claims: z.array(id()).describe('relays that it names as linked and that do not name it'),
    channels: whole().describe('how many channels its interest record lists'),
    wants: z.boolean().describe('the channel of the query is one of them'),
    onPath: z.boolean().describe('messages of that channel that begin here pass it or end at it'),
  }) satisfies z.ZodType<MapRelayJson>,
);

const mapLinkShape = shape(
  'MapLink',
  z.object({
    peer: id().describe('id of the peer at the other end'),
    kind: z
      .enum(['overlay', 'home-live', 'home-standby', 'leaf', 'visit'])
      .describe(
        'relay to relay; our home relay; our second one; a leaf that hangs on us; a visit, to compare what both hold',
      ),
    url: z.string().nullable().describe('the address that we dialled, or null'),
    roundTripMs: z
      .number()
      .min(0)
      .nullable()
      .describe('milliseconds from the last ping to its answer; null before the first'),
    wants: z.boolean().describe('a leaf of ours that wants the channel of the query'),
  }) satisfies z.ZodType<MapLinkJson>,
);

export const mapShape = shape(
  'Map',
  z.object({
    now: time().describe('when this was looked up'),
    peer: id().describe('id of this daemon as a peer'),
    role: z.enum(['relay', 'leaf']).describe('what it is'),
    channel: z.string().nullable().describe('the channel of the query, or null'),
    links: z.array(mapLinkShape).describe('its own links, without those of mesh/1'),
    home: z
      .array(
        z.object({
          peer: id(),
          live: z.boolean(),
          told: z.boolean(),
          holds: z.boolean(),
          keepsMailbox: z.boolean(),
        }),
      )
      .describe(
        'of a leaf, with a channel in the query: its home relays; whether each was told of the channel, holds it, and keeps a mailbox for us',
      ),
    addresses: z.array(addressShape).describe('of a leaf: addresses that it knows'),
    relays: z
      .array(mapRelayShape)
      .describe(
        `of a relay: those that links lead to, from this daemon outwards, then the others; ${LIMITS.relaysMax} at most. A leaf has no map`,
      ),
  }) satisfies z.ZodType<MapJson>,
);
