#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: the LSTM of a .nam file begins with the h and c that are among its weights, so the first output after loading is
# the first step from this state. A reset makes the model begin with this state again.
#
# Behaviour: NeuralAmpModelerCore 0.5.3 (@opendaw/nam-wasm 1.2.0) runs the LSTM over silence when it loads the file, and
# again at a reset. A cell has forgotten c of the file before the first sample. A reset does not restore h and c: the
# silence follows the present state, so a cell that forgets slowly keeps old sound.
#
# Relevance to users of gst-lstm: `lstm` begins with h and c of the file. The first samples of a model of lstm-convert
# differ from those of a NAM player. After a reset, the output of a player can differ from the output after loading.
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

const folder = './node_modules/@opendaw/nam-wasm/';
const { version } = JSON.parse(readFileSync(folder + 'package.json'));
const nam = NamWasmModule.fromModule(await createNamModule({ wasmBinary: readFileSync(folder + 'dist/nam.wasm') }));

// An LSTM of one unit. The gates i and o are 1, the candidate is tanh (x), and the forget gate is sigmoid (forget).
const model = (forget, c) => JSON.stringify({
  version: '0.5.4', architecture: 'LSTM', sample_rate: 48000, metadata: {},
  config: { input_size: 1, hidden_size: 1, num_layers: 1 },
  weights: [
    0, 0, 0, 0, 1, 0, 0, 0, // W and R of the gates i, f, g, o
    20, forget, 0, 20,      // their biases
    0, c,                   // initial h and c
    1, 0,                   // head
  ],
});

// Returns the output of 3 samples, each of which is x.
function process(id, x) {
  const y = new Float32Array(3);
  nam.process(id, new Float32Array(3).fill(x), y);
  return Array.from(y, value => Math.abs(value).toFixed(2)).join(' ');
}

console.log('@opendaw/nam-wasm', version);
nam.setSampleRate(48000);
for (const [forget, c] of [[4, 1], [4, 0], [12, 1], [12, 0]]) {
  const gate = 1 / (1 + Math.exp(-forget)), id = nam.createInstance();
  if (!nam.loadModel(id, model(forget, c)))
    throw new Error('the model was refused');
  console.log(`forget gate ${gate.toFixed(6)}, initial c ${c}`);
  console.log('  formulas, silence:', [1, 2, 3].map(t => Math.tanh(c * gate ** t).toFixed(2)).join(' '));
  console.log('  silence:          ', process(id, 0));
  console.log('  sound:            ', process(id, 0.25));
  nam.reset(id);
  console.log('  silence, reset:   ', process(id, 0));
}
END

cat >expected <<'END'
@opendaw/nam-wasm 1.2.0
forget gate 0.982014, initial c 1
  formulas, silence: 0.75 0.75 0.74
  silence:           0.00 0.00 0.00
  sound:             0.24 0.45 0.62
  silence, reset:    0.00 0.00 0.00
forget gate 0.982014, initial c 0
  formulas, silence: 0.00 0.00 0.00
  silence:           0.00 0.00 0.00
  sound:             0.24 0.45 0.62
  silence, reset:    0.00 0.00 0.00
forget gate 0.999994, initial c 1
  formulas, silence: 0.76 0.76 0.76
  silence:           0.00 0.00 0.00
  sound:             0.24 0.46 0.63
  silence, reset:    0.10 0.10 0.10
forget gate 0.999994, initial c 0
  formulas, silence: 0.00 0.00 0.00
  silence:           0.00 0.00 0.00
  sound:             0.24 0.45 0.63
  silence, reset:    0.10 0.10 0.10
END
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: silence replaces the initial c, and a reset does not restore c"
