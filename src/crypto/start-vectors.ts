/**
 * The vectors that a daemon checks at start: one of each way in which Ed25519 verifiers are known to differ.
 * Made by tools/make-signature-vectors.ts from the same cases as docs/protocol/vectors/ed25519.json; do not edit.
 */
export interface StartVector {
  readonly name: string;
  /** the verdict of the rule */
  readonly valid: boolean;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

export const START_VECTORS: readonly StartVector[] = [
  {
    name: 'RFC 8032 test 1, empty message',
    valid: true,
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'RFC 8032 test 3, two bytes',
    valid: true,
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    name: 'bit 0 of R flipped',
    valid: false,
    publicKey: '0be2534412c8dc4d7a3fce2537e0bcf03f56ee313b73f33c861ddc6ecf487e85',
    message: 'ec6a8b7f614d85c1a717b3a44ff9d8a35f8c35a1',
    signature:
      '102e3d9a0f694dc2c29654b5e085c47f56abe4785fef11a18a5e0aad7a30d9138216480592cb67954f6b1931538f539ac00a28f1d1d94b3370848c361f12460a',
  },
  {
    name: 'bit 0 of S flipped',
    valid: false,
    publicKey: '0be2534412c8dc4d7a3fce2537e0bcf03f56ee313b73f33c861ddc6ecf487e85',
    message: 'ec6a8b7f614d85c1a717b3a44ff9d8a35f8c35a1',
    signature:
      '112e3d9a0f694dc2c29654b5e085c47f56abe4785fef11a18a5e0aad7a30d9138316480592cb67954f6b1931538f539ac00a28f1d1d94b3370848c361f12460a',
  },
  {
    name: 'S + 1L of a good signature',
    valid: false,
    publicKey: 'b7ffcfb504aba198565dd9529a9cc995bc84976a255161fba334f809cb99d317',
    message: 'eb7b6b22ba4a7dd9de430cf8ce12d8a277d92031',
    signature:
      '96d269cdb611be6b7074a44d607b969788a32f9415c15276930a26925eb128b8eb986eca5db1a9649ebeecdce3403c07ef57cd97e7c5010975ddccd2f451021d',
  },
  {
    name: 'A is 0T, R of large order',
    valid: false,
    publicKey: '0100000000000000000000000000000000000000000000000000000000000000',
    message: '10074cd378a894e0fde8f064395bec46',
    signature:
      '1c83d86841b3876a1d52c63316857a3d6be035e45b07edcf656c3ffdf1c695dc288830cd8d81bba1528a4c32b662a0539854e234ec68466f34364a7db98e220b',
  },
  {
    name: 'A is 1T, R of large order',
    valid: false,
    publicKey: '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    message: 'aaae4a7e75015813552e63cb025371f4',
    signature:
      '28005476351913e1fd877b229c3dcd2352f0c2fe302dbe748aaee6b2d68b4293ed29f851d028f2aa1f53cb94e93faa475c8294f2a14c9f66d8f8a69fea5bb504',
  },
  {
    name: 'A is 0T, y + p, R of large order',
    valid: false,
    publicKey: 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    message: 'e15510d73a1a8a3d15d7b5879a01e521',
    signature:
      'faf24bf48dd15ab0a493b9da5de6ba9cd7007a793e6c6c2f40137701a0f3317a5d97e0e907862eab1f2126a21ec3efa4d6d75a64b1328f9c796c549752811004',
  },
  {
    name: 'R is 0T, the equation holds for the point',
    valid: false,
    publicKey: 'fe7afd619e432494d3fb15c45d70e2c013210fa9475f4b1b621264f100b2d4aa',
    message: '87f4514a67c478c31a90f910fada3fb6',
    signature:
      '0100000000000000000000000000000000000000000000000000000000000000427d4f1165094b1bee87e7d08f09f0641991ea6b1cfa071e9c79d6b299b4ed00',
  },
  {
    name: 'R is 4T, sign of x = 0 set, the equation holds for the point',
    valid: false,
    publicKey: '70d8b37852989a6dd44bf313b5c2e3066df5fd526df88d6a4a063a713a5b8ba5',
    message: 'bde0e755fc4aef8021893cd0df2c6f6a',
    signature:
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff18d4526883d6a826e4a1ac5cd1a47c9103330be717b07bd9946c38dbae2d1604',
  },
  {
    name: 'R is 2T, y + p, the equation holds for the point',
    valid: false,
    publicKey: '70d8b37852989a6dd44bf313b5c2e3066df5fd526df88d6a4a063a713a5b8ba5',
    message: 'a2ff7ff4991687dc8b93b42e7bbacb62',
    signature:
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f14ab847a8a2b6e1e2cd84802b33ca7c5baa3366cd9a03bc9444db3f1ef253605',
  },
  {
    name: 'A = [a]B + 1T, R of prime order, equation holds',
    valid: true,
    publicKey: 'dc5e4cc46733584b39b1d9d9d0d4116ebc20085d527c404bde44cae2fe9e14cf',
    message: '6f1b70b84bc373df769a09091f65cd35',
    signature:
      'bc4980ea70de6593c2dbdfc6e317f397d5a9983dc27930dedb1487cc780e097f7dbf14e438dd08d59fbd5afa8336c77adaa121419153d4c5c88a7f756b1a3608',
  },
  {
    name: 'A = [a]B + 4T, R of prime order, equation holds',
    valid: true,
    publicKey: 'ad1059e03358811fe963188c154dd7c14a27218e6da60bbcce5936c3cffac20d',
    message: 'deb14e6f5aa1fa36ec5b7ba8aeb26ccc',
    signature:
      'f5db189b204bf7d710d87a9321424ff8547ee4a2b3e1b61fd0cf8e7e0db0a967b1c30139076c438c3cab2935ff2f51acb888d17adc3d0196ca7e9f1e890c880e',
  },
  {
    name: 'A = [a]B + 1T, R = [r]B + 1T, equation holds',
    valid: true,
    publicKey: 'dc5e4cc46733584b39b1d9d9d0d4116ebc20085d527c404bde44cae2fe9e14cf',
    message: 'c839d21e37e85d2dac241c32c967437c',
    signature:
      '49dd988b9d0ae2787c98adb1aeac2367d3c33205ac26841188a014e141178a781130adde1ca7d9786cfb5b0dec4fed5bfaf240daac57cba3dc2fcd3cc665df06',
  },
  {
    name: 'A = [a]B + 1T, R of prime order, cofactored only',
    valid: false,
    publicKey: 'dc5e4cc46733584b39b1d9d9d0d4116ebc20085d527c404bde44cae2fe9e14cf',
    message: '17cae52b2436267063ddb236c5557dd5',
    signature:
      '6061d94168e0d92d110dd5576ae69c1c8887320b627c2ecb26ce0429b62af946cb8e1dbdbb7391657af565276108a1dfdb429885080fed2840778ee6b74bbb0a',
  },
  {
    name: 'A of prime order, R = [r]B + 1T, cofactored only',
    valid: false,
    publicKey: '40efa61fcca77ee0169ce773eab2283eb5d8de719259f44331a6c93c30053df2',
    message: 'd18784bdd2f444acabc73116d0c9a543',
    signature:
      '19816ecfe2848144273d3e801b85442c273afc06180eaa64ed99763bdecf890ec87b28eed27c679a67496cf9e0cf29a5067c902de43f07504ba4caa7a98a9f08',
  },
  {
    name: 'A = [a]B + 1T, holds only for k mod L',
    valid: true,
    publicKey: 'dc5e4cc46733584b39b1d9d9d0d4116ebc20085d527c404bde44cae2fe9e14cf',
    message: '3da6ccc89d2aa92c43b2e72f9e74e672',
    signature:
      'b3a4058e32fbcd3b9d95faed78ac385c92a6f75766612a975466ab03d7def17399afc2d2bcf00e197f46a2f3a0091370f05390a7406449f0f99d47434e630605',
  },
  {
    name: 'A = [a]B + 1T, holds only for k not reduced',
    valid: false,
    publicKey: 'dc5e4cc46733584b39b1d9d9d0d4116ebc20085d527c404bde44cae2fe9e14cf',
    message: '63697c532e7134175e7a2930da2e1c4e',
    signature:
      '83be719312c6ff4e3344800c87cbadcae970a2c5f6f39575af8ae06cf051f4c149ffd3fca06e6987ded70e2de29e34961a11419c7e31cde6cebde2c27b2e2904',
  },
  {
    name: 'A has y = 2',
    valid: false,
    publicKey: '0200000000000000000000000000000000000000000000000000000000000000',
    message: 'ae350425c641931a8269a2f7c0a484fe1d791999',
    signature:
      'a650ae94e6a09f7837818673dab099e0736cc6f6ee151cf11388664a075ed24c1541cd8eff05718139b787e55a3db3eff74e4a0fb64164e109ea17da7e47eb00',
  },
  {
    name: 'R has y = 2',
    valid: false,
    publicKey: '7f37ba3f45368f500c73bbf8d8a517f734972eb0d12b2cb4836255d956f41cb9',
    message: 'ae350425c641931a8269a2f7c0a484fe1d791999',
    signature:
      '02000000000000000000000000000000000000000000000000000000000000001541cd8eff05718139b787e55a3db3eff74e4a0fb64164e109ea17da7e47eb00',
  },
];
