#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: `clip` of an ONNX LSTM bounds c in h = o * tanh (c). The ONNX specification calls clip the "cell clip
# threshold", which is "applied to the input of activations". tanh is the third activation, and its input is c.
#
# Behaviour: ONNX Runtime 1.17.3 bounds only the inputs of the gates i, f, o and of the candidate g. c can exceed clip, both in
# Y_c and in the computation of h.
#
# Relevance to users of gst-lstm: TensorFlow's cell_clip bounds c, so a model trained with cell_clip differs from an ONNX
# model with clip. lstm-convert reads clip as ONNX Runtime computes it. docs/formats.md has `cell_clip` as a separate key.
#
# Needs: npm, Node.js. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'EOF'
{"private": true, "dependencies": {"onnxruntime-web": "1.17.3", "protobufjs": "7.6.6", "long": "5.3.2"}}
EOF
npm install --silent --ignore-scripts --no-audit --no-fund

# The layer has one unit. Its input is 9 at each of 6 steps, all W are 1, all R are 0: each pre-activation is 9, clipped to 1/2.
cat >run.js <<'EOF'
const ort = require('onnxruntime-web');
const { onnx } = require('./node_modules/onnxruntime-web/lib/onnxjs/ort-schema/protobuf/onnx');
const { version } = require('./node_modules/onnxruntime-web/package.json');

const CLIP = 0.5, STEPS = 6;
const AttributeType = onnx.AttributeProto.AttributeType, FLOAT = onnx.TensorProto.DataType.FLOAT;
const weight = (name, value) =>
    ({ name, dims: [1, 4, 1], dataType: FLOAT, floatData: [value, value, value, value] });
const value = (name, dims) =>
    ({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map(n => ({ dimValue: n })) } } } });
const model = {
  irVersion: 7,
  opsetImport: [{ domain: '', version: 14 }],
  graph: {
    name: 'clip',
    node: [{
      opType: 'LSTM', input: ['X', 'W', 'R'], output: ['Y', '', 'Y_c'],
      attribute: [
        { name: 'hidden_size', type: AttributeType.INT, i: 1 },
        { name: 'clip', type: AttributeType.FLOAT, f: CLIP },
      ],
    }],
    initializer: [weight('W', 1), weight('R', 0)],
    input: [value('X', [STEPS, 1, 1])],
    output: [value('Y', [STEPS, 1, 1, 1]), value('Y_c', [1, 1, 1])],
  },
};
const show = (name, values) => console.log(name, Array.from(values, x => x.toFixed(4)).join(' '));

// Returns h of each step by the formulas of ONNX, with tanh (bound (c)) instead of tanh (c).
function computeHidden(bound) {
  const gate = 1 / (1 + Math.exp(-CLIP)), candidate = Math.tanh(CLIP), h = [];
  for (let c = 0, t = 0; t < STEPS; t++) {
    c = gate * c + gate * candidate;
    h.push(gate * Math.tanh(bound(c)));
  }
  return h;
}

async function main() {
  ort.env.wasm.numThreads = 1;
  const bytes = onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();
  const session = await ort.InferenceSession.create(new Uint8Array(bytes));
  const X = new ort.Tensor('float32', new Float32Array(STEPS).fill(9), [STEPS, 1, 1]);
  const { Y, Y_c } = await session.run({ X });

  console.log('onnxruntime-web', version);
  show('Y, clip 0.5:          ', Y.data);
  show('formulas, c unbounded:', computeHidden(c => c));
  show('formulas, c clipped:  ', computeHidden(c => Math.min(c, CLIP)));
  show('Y_c:                  ', Y_c.data);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
EOF

cat >expected <<'EOF'
onnxruntime-web 1.17.3
Y, clip 0.5:           0.1743 0.2711 0.3245 0.3548 0.3725 0.3831
formulas, c unbounded: 0.1743 0.2711 0.3245 0.3548 0.3725 0.3831
formulas, c clipped:   0.1743 0.2711 0.2876 0.2876 0.2876 0.2876
Y_c:                   0.7176
EOF
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: clip bounds the inputs of the gates, but not c"
