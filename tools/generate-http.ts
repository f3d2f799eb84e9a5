/** `docs/reference/http.md`: from the table of routes, the schemas, their words and the error table. */
import type { Route } from '../src/api/context.ts';
import { API_LIMITS } from '../src/api/limits.ts';
import { ROUTE_WORDS } from '../src/api/reference/routes.ts';
import { SHAPES } from '../src/api/reference/shapes.ts';
import { CLIENT_FRAMES, SERVER_FRAMES, STREAM_WORDS, serverFrameShape } from '../src/api/reference/stream.ts';
import {
  type Answer,
  BODY_CODES,
  COMMON_CODES,
  type Fields,
  type RouteWords,
  STATUS_CODES,
  TEXT_TYPES,
} from '../src/api/reference/words.ts';
import { ROUTES, STREAM_PATH } from '../src/api/router.ts';
import { publishSchema } from '../src/api/schemas.ts';
import { ERROR_CODES, ERRORS, type ErrorCode } from '../src/core/errors.ts';
import { LIMITS } from '../src/core/limits.ts';
import { OPTION_TABLE } from '../src/daemon/option-table.ts';
import { answerSchema, type JsonSchema, requestSchema, typeText } from './json-schema.ts';
import { anchor, GENERATED, list, sentence, table } from './markdown.ts';

export interface DescribedRoute {
  /** method and path */
  readonly name: string;
  readonly route: Route;
  readonly words: RouteWords;
}

const STREAM_NAME = `GET ${STREAM_PATH}`;

/** Each route with its words, in the order of the table. Throws where one of the two is missing. */
export function describedRoutes(
  routes: readonly Route[] = ROUTES,
  words: Readonly<Record<string, RouteWords>> = ROUTE_WORDS,
): DescribedRoute[] {
  const described = routes.map((route) => {
    const name = `${route.method} ${route.path}`;
    const found = words[name];
    if (found === undefined)
      throw new Error(`No words for the route ${name}: add them to src/api/reference/routes.ts.`);
    return { name, route, words: found };
  });
  const names = new Set(described.map(({ name }) => name));
  for (const name of Object.keys(words))
    if (!names.has(name))
      throw new Error(`src/api/reference/routes.ts has words for ${name}, which is no route.`);
  return described;
}

const link = (name: string): string => `[\`${name}\`](#${anchor(name)})`;
const codeLink = (code: ErrorCode): string => `[\`${code}\`](errors.md#${code})`;

function fieldTable(label: string, { schema, words }: Fields): string[] {
  const { properties = {}, required = [] } = requestSchema(schema);
  const rows = Object.entries(properties).map(([name, node]) => [
    `\`${name}\``,
    typeText(node),
    required.includes(name) ? 'yes' : 'no',
    words[name] ?? missingField(name),
  ]);
  return [...table([label, 'Type', 'Needed', 'What it is'], rows), ''];
}

function missingField(name: string): never {
  throw new Error(`The field ${name} has no words.`);
}

function answerText({ status, when, shape }: Answer): string {
  const what =
    typeof shape !== 'string'
      ? typeText(answerSchema(shape))
      : `${shape === 'events' ? 'a stream of ' : ''}\`${TEXT_TYPES[shape]}\``;
  return `${status} with ${what}${when === undefined ? '' : ` ${when}`}`;
}

function routeSection({ name, route, words }: DescribedRoute): string[] {
  const { summary, parameter, query, headers, body, answers, codes, notes = [] } = words;
  return [
    `### ${name}`,
    '',
    `${sentence(summary)} Scope: \`${route.scope}\`.`,
    '',
    ...(parameter === undefined ? [] : [`\`{id}\`: ${parameter}.`, '']),
    ...(query === undefined ? [] : fieldTable('Query', query)),
    ...(headers === undefined ? [] : fieldTable('Header', headers)),
    ...(body === undefined ? [] : fieldTable('Field of the body', body)),
    ...notes.flatMap((note) => [note, '']),
    `Answers: ${sentence(answers.map(answerText).join('; '))}`,
    ...(codes.length === 0
      ? []
      : ['', `Problems besides the [common ones](#problems): ${list(codes.map(codeLink))}.`]),
    '',
  ];
}

/** A frame as it looks: `{"op": "subscribe", "ref", "after"?}`. */
function frameText({ properties = {}, required = [] }: JsonSchema): string {
  const members = Object.entries(properties).map(([name, { const: value }]) => {
    const key = `"${name}"${value === undefined ? '' : `: "${value}"`}`;
    return required.includes(name) ? key : `${key}?`;
  });
  return `\`{${members.join(', ')}}\``;
}

const opOf = (frame: JsonSchema): string => String(frame.properties?.op?.const);

function clientFrame(frame: JsonSchema): string[] {
  const op = opOf(frame) as keyof typeof CLIENT_FRAMES;
  const { scope, what, fields } = CLIENT_FRAMES[op];
  const shared = Object.keys(requestSchema(publishSchema).properties ?? {});
  const known = ['op', 'ref', ...(op === 'publish' ? shared : [])];
  const rest = Object.entries(frame.properties ?? {}).filter(([name]) => !known.includes(name));
  const rows = rest.map(([name, node]) => [
    `\`${name}\``,
    typeText(node),
    fields[name] ?? missingField(name),
  ]);
  return [
    `\`${op}\` ${what}. ${scope === null ? 'It needs no scope.' : `Scope: \`${scope}\`.`}`,
    '',
    frameText(frame),
    '',
    ...(rows.length === 0 ? [] : [...table(['Field', 'Type', 'What it is'], rows), '']),
  ];
}

function streamSection(): string[] {
  const { summary, intro, notes, codes, clientFrames } = STREAM_WORDS;
  const frames = requestSchema(clientFrames).oneOf ?? [];
  const answers = answerSchema(serverFrameShape).oneOf ?? [];
  const rows = answers.map((frame) => [
    frameText(frame),
    SERVER_FRAMES[opOf(frame) as keyof typeof SERVER_FRAMES],
  ]);
  return [
    `### ${STREAM_NAME}`,
    '',
    `${sentence(summary)} Scope: of each frame.`,
    '',
    intro,
    '',
    '**Frames from the client**',
    '',
    ...frames.flatMap(clientFrame),
    '**Frames from the daemon**',
    '',
    ...table(['Frame', 'When'], rows),
    '',
    ...notes.flatMap((note) => [note, '']),
    `Problems of frames besides the [common ones](#problems): ${list(codes.map(codeLink))}.`,
    '',
  ];
}

function shapeSection(name: string): string[] {
  const schema = SHAPES.get(name);
  if (schema === undefined) throw new Error(`There is no shape ${name}.`);
  const { properties = {}, required = [] } = answerSchema(schema).$defs?.[name] ?? {};
  const rows = Object.entries(properties).map(([field, node]) => [
    `\`${field}\`${required.includes(field) ? '' : ' (not always)'}`,
    typeText(node),
    node.description ?? missingField(`${name}.${field}`),
  ]);
  return [`### ${name}`, '', ...table(['Field', 'Type', 'What it is'], rows), ''];
}

/** Where the API gives each code; every code that can be a problem document has a place. */
export function codePlaces(): ReadonlyMap<ErrorCode, string> {
  const places = new Map<ErrorCode, string[]>();
  const add = (codes: readonly ErrorCode[], place: string): void => {
    for (const code of codes) places.set(code, [...(places.get(code) ?? []), place]);
  };
  add(COMMON_CODES, 'any request');
  add(BODY_CODES, 'any request with a body');
  for (const { name, words } of describedRoutes()) add(words.codes, link(name));
  add(STREAM_WORDS.codes, link(STREAM_NAME));
  add(STATUS_CODES, 'only in [Status](#status)');
  const isOurs = (code: ErrorCode): boolean => ['api', 'both'].includes(ERRORS[code].at);
  for (const code of ERROR_CODES)
    if (isOurs(code) && !places.has(code))
      throw new Error(`The code ${code} has no place in src/api/reference.`);
  for (const code of places.keys())
    if (!isOurs(code)) throw new Error(`The API names ${code}, which is no code of the API.`);
  const inOrder = ERROR_CODES.filter((code) => places.has(code));
  return new Map(inOrder.map((code) => [code, list(places.get(code) ?? [])]));
}

const CALLERS = `Each request needs \`Authorization: Bearer TOKEN\`, with the content of the file \`token\` in the data folder. The Host header
must be \`127.0.0.1\`, \`localhost\` or \`[::1]\` with the port of the API. Requests of web pages are refused, whatever their
origin: there must be no \`Origin\` header, and \`Sec-Fetch-Site\` must be absent or \`none\`.

A token stands for a grant with scopes; the one in the file \`token\` allows everything. Another one, in the file
\`agent-token\`, is for the program that an agent runs in: it has the scopes \`status\`, \`messages:read\`,
\`messages:write\` and \`agent\`, so it can neither let others wake the agent, nor change what is kept, nor tap the links. Each route names its
scope below.

\`\`\`sh
url=$(node -p 'JSON.parse(fs.readFileSync("data/api.json")).url')
curl -H "Authorization: Bearer $(cat data/token)" "$url/v1/status"
\`\`\``;

function intro(): string[] {
  return [
    '# HTTP API',
    '',
    GENERATED,
    '',
    `The daemon's API for programs on the same machine. It listens on \`127.0.0.1\`, port \`MESH_API_PORT\` (${OPTION_TABLE.MESH_API_PORT.fallback}, or the next
free one); the file \`api.json\` in the data folder says where, as \`{"url", "pid", "version", "started"}\`. All but
[\`/metrics\`](#get-metrics) is under \`/v1\` and JSON in UTF-8. [openapi.json](openapi.json) says the same for programs (OpenAPI 3.1), without the frames
of the stream.`,
    '',
    '## Who may call',
    '',
    CALLERS,
    '',
  ];
}

function routeTable(): string[] {
  const rows = describedRoutes().map(({ name, route, words }) => [
    link(name),
    `\`${route.scope}\``,
    words.summary,
  ]);
  const body = `${LIMITS.apiBodyBytesMax / 1024 / 1024} MiB`;
  return [
    '## Routes',
    '',
    ...table(
      ['Route', 'Scope', 'What it does'],
      [...rows, [link(STREAM_NAME), 'of each frame', STREAM_WORDS.summary]],
    ),
    '',
    `Unknown fields and query parameters are refused, and the detail of the problem names them. A request body has at most
${body} and \`Content-Type: application/json\`. Headers have at most ${API_LIMITS.headerBytesMax / 1024} KiB.`,
    '',
  ];
}

const PROBLEM_EXAMPLE = `\`\`\`json
{
  "type": "errors#bad_channel",
  "title": "${ERRORS.bad_channel.title}",
  "status": ${ERRORS.bad_channel.http},
  "detail": "channel: is not a channel name.",
  "code": "bad_channel",
  "do": "${ERRORS.bad_channel.do.replaceAll('"', '\\"')}"
}
\`\`\``;

export function httpPage(): string {
  const codes = [...codePlaces()].map(([code, place]) => [codeLink(code), `${ERRORS[code].http}`, place]);
  const lines = [
    ...intro(),
    ...routeTable(),
    ...describedRoutes().flatMap(routeSection),
    ...streamSection(),
    '## Shapes',
    '',
    `An id is 43 characters of base64url (32 bytes); a time is ISO 8601 in UTC with milliseconds. A later version may add
fields: ignore those that you do not know.`,
    '',
    ...[...SHAPES.keys()].sort().flatMap(shapeSection),
    '## Problems',
    '',
    'Each failure is a problem document (RFC 9457, `application/problem+json`), a [Problem](#problem):',
    '',
    PROBLEM_EXAMPLE,
    '',
    '`method_not_allowed` comes with the header `Allow`. The codes, and where they come from:',
    '',
    ...table(['Code', 'Status', 'Where'], codes),
  ];
  return `${lines.join('\n')}\n`;
}
