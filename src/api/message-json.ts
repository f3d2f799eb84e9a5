/**
 * How a message leaves the API.
 */
import type { ChangeView, MessageView } from '../daemon/index.ts';
import type { ChangeJson, MessageJson } from './client/types.ts';
import { isDeeperThan } from './json-text.ts';
import { API_LIMITS } from './limits.ts';

/** The JSON shape of a message. A payload that nobody could write as JSON again without a full stack is null. */
export function messageJson(view: MessageView): MessageJson {
  if (!isDeeperThan(view.payload, API_LIMITS.payloadDepthShownMax)) return view;
  return { ...view, payload: null };
}

/** The JSON shape of a change. */
export function changeJson({ edited, ...change }: ChangeView): ChangeJson {
  return { ...change, edited: edited.map(messageJson) };
}
