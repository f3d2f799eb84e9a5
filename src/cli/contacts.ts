/** Identities as people name them: by id, or by the name that they gave a contact. */
import { type Client, idFromText } from '../api/client/index.ts';
import { UsageError } from './exit.ts';
import { visibleLine } from './text.ts';

/** The id of an identity or of the contact of that name. Throws {@link UsageError} with the command that helps. */
export async function resolveIdentity(client: Client, text: string): Promise<string> {
  if (idFromText(text) !== undefined) return text;
  const name = text.normalize('NFC');
  const found = (await client.contacts()).find((contact) => contact.name === name);
  if (found !== undefined) return found.identity;
  throw new UsageError(
    `${JSON.stringify(visibleLine(text.slice(0, 80)))} is no identity and no contact's name.`,
    {
      help: 'mesh allow',
      code: 'not_found',
    },
  );
}

/** The identities that a message is for, as a part of what is published. */
export async function mentionsOf(
  client: Client,
  { mentions }: { readonly mentions: readonly string[] },
): Promise<{ readonly mentions?: readonly string[] }> {
  if (mentions.length === 0) return {};
  const found: string[] = [];
  for (const text of mentions) found.push(await resolveIdentity(client, text));
  return { mentions: found };
}
