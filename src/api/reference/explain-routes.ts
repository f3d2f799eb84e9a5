/** The words of the routes that explain what the daemon does, as `routes.ts` has the others. */
import { mapQuerySchema, tapQuerySchema } from '../schemas.ts';
import { mapShape } from './map-shapes.ts';
import './tap-shapes.ts'; // its shapes get a place on the page
import { whyShape } from './why-shapes.ts';
import { fields, type RouteWords } from './words.ts';

export const EXPLAIN_WORDS: Readonly<Record<string, RouteWords>> = {
  'GET /v1/messages/{id}/why': {
    summary: 'Where a message is and why: what stands between it and its delivery, and the path on the map',
    parameter: 'id of the message, or at least the first 6 characters of it',
    answers: [{ status: 200, shape: whyShape }],
    codes: ['not_found'],
    notes: [
      `It tells of peers too, so the grant needs the scope \`status\` as well. An id that nothing is known of is \`not_found\`; a
beginning that several messages have is \`bad_request\`. The daemon remembers for a few thousand messages which links
took or brought them, until it is restarted; states and the names of who confirmed them are on disk.`,
    ],
  },
  'GET /v1/map': {
    summary: 'The mesh as this daemon knows it: relays, the links between them, and who wants a channel',
    query: fields(mapQuerySchema, { channel: 'name of a channel whose way from here is marked' }),
    answers: [{ status: 200, shape: mapShape }],
    codes: ['bad_channel'],
    notes: [
      `It is what relays say of themselves in signed records, not the truth about the mesh: a link counts only if both ends
name it, and a relay only if such links lead to it. Addresses are text of whoever runs the relay. With thousands of
relays the answer has some megabytes.`,
    ],
  },
  'GET /v1/tap': {
    summary: 'What passes over the links from now on, decoded, as server-sent events',
    query: fields(tapQuerySchema, {
      peer: 'id of a peer, or at least the first 6 characters: only frames of its link. What comes before a peer has proven itself is left out then',
      type: 'only frames and events of this name; may come more than once',
    }),
    answers: [{ status: 200, shape: 'events' }],
    codes: ['too_many_requests'],
    notes: [
      `Events by \`kind\`: \`begun\`, then \`frame\` with a [TapFrame](#tapframe) for each frame in and out; \`refused\` with
\`code\`, \`detail\` and \`head\` for what is none; \`opened\` and \`closed\` for links; \`lost\` with \`frames\` (and \`all\`)
where the client read too slowly; \`ended\` when the daemon stops. An event of a kind that a client does not know is to
be passed over.`,
      `A tap changes nothing and holds nobody up: what its client does not read in time is lost and counted. Four may be
open. Bodies of messages in open channels are shown, of others only their size; session keys never. \`out\` says that
a frame was given to the queue of its link.`,
    ],
  },
};
