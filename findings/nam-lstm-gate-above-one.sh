#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a sigmoid is at most 1, also if a program approximates it. So a cell with an open forget gate and a silent
# input keeps its c or loses some of it, and h = o * tanh (c) is between -1 and 1.
#
# Behaviour: the LSTM of NeuralAmpModelerCore 0.5.3 has an option, enable_fast_tanh(), that @opendaw/nam-wasm 1.2.0 uses.
# Sigmoid and tanh are rational approximations then, which exceed 1 for large arguments. From an argument between 17
# and 18 on, the forget gate is above 1: after one sample of sound c increases by itself in silence, and h reaches 1.008.
#
# Relevance to users of gst-lstm: `lstm` computes the exact functions. The output of such a model increases in silence in a
# player with these approximations, and does not in `lstm`. The numbers of the player are no reference for large weights.
#
# Needs: npm, Node.js. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'END'
{"private": true, "type": "module", "dependencies": {"@opendaw/nam-wasm": "1.2.0"}}
END
npm install --silent --ignore-scripts --no-audit --no-fund

cat >run.js <<'END'
import { createNamModule, NamWasmModule } from '@opendaw/nam-wasm';
import { readFileSync } from 'node:fs';

const SAMPLES = 24000, BLOCK = 120, SHOWN = [0, 1000, 4000, 8000, 23999];
const folder = './node_modules/@opendaw/nam-wasm/';
const { version } = JSON.parse(readFileSync(folder + 'package.json'));
const nam = NamWasmModule.fromModule(await createNamModule({ wasmBinary: readFileSync(folder + 'dist/nam.wasm') }));
const show = (name, values) => console.log(name, values.map(value => value.toFixed(3)).join(' '));

// An LSTM of one unit with initial h and c of 0. The gates i and o are about 1, the candidate is tanh (x), and the forget
// gate is sigmoid (forget).
const model = forget => JSON.stringify({
  version: '0.5.4', architecture: 'LSTM', sample_rate: 48000, metadata: {},
  config: { input_size: 1, hidden_size: 1, num_layers: 1 },
  weights: [
    0, 0, 0, 0, 1, 0, 0, 0, // W and R of the gates i, f, g, o
    10, forget, 0, 10,      // their biases
    0, 0,                   // initial h and c
    1, 0,                   // head
  ],
});

console.log('@opendaw/nam-wasm', version);
nam.setSampleRate(48000);
for (const forget of [17, 18, 20, 30]) {
  const id = nam.createInstance();
  if (!nam.loadModel(id, model(forget)))
    throw new Error('the model was refused');

  // One sample of sound, then silence
  const x = new Float32Array(SAMPLES), y = new Float32Array(SAMPLES);
  x[0] = 0.1;
  for (let i = 0; i < SAMPLES; i += BLOCK)
    nam.process(id, x.subarray(i, i + BLOCK), y.subarray(i, i + BLOCK));

  const sigmoid = value => 1 / (1 + Math.exp(-value)), gate = sigmoid(10);
  console.log(`forget gate: sigmoid (${forget})`);
  show('  formulas:', SHOWN.map(t => gate * Math.tanh(gate * Math.tanh(x[0]) * sigmoid(forget) ** t)));
  show('  output:  ', SHOWN.map(t => y[t]));
}
END

cat >expected <<'END'
@opendaw/nam-wasm 1.2.0
forget gate: sigmoid (17)
  formulas: 0.099 0.099 0.099 0.099 0.099
  output:   0.100 0.099 0.098 0.095 0.087
forget gate: sigmoid (18)
  formulas: 0.099 0.099 0.099 0.099 0.099
  output:   0.100 0.105 0.120 0.143 0.288
forget gate: sigmoid (20)
  formulas: 0.099 0.099 0.099 0.099 0.099
  output:   0.100 0.118 0.191 0.358 1.000
forget gate: sigmoid (30)
  formulas: 0.099 0.099 0.099 0.099 0.099
  output:   0.100 0.226 0.992 1.006 1.008
END
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: the forget gate exceeds 1, and the output increases in silence"
