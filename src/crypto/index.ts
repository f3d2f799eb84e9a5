/** The cryptography of this runtime: what the core takes as parameters or asks for with effects. Knows only core. */

export { createEphemeral, type Ephemeral, type SessionKeys } from './ephemeral.ts';
export { sha256, sha512 } from './hash.ts';
export { createOpener, createSealer, type Opener, RECORD_OVERHEAD, type Sealer } from './record.ts';
export {
  createSigner,
  fromPrivatePem,
  fromPublicPem,
  generatePrivateKey,
  privateKeyFromSeed,
  rawPublicKey,
  type Signer,
  toPrivatePem,
  toPublicPem,
} from './signer.ts';
export { createVerifier, type Verifier, type VerifierName, type VerifierOptions } from './verifiers.ts';
