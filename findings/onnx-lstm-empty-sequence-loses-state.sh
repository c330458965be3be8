#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a sequence whose length in sequence_lens of an ONNX LSTM is 0 has no step, so its Y_h and Y_c equal initial_h and
# initial_c. Then a sequence that is cut into two calls gives the same result for every cut.
#
# Behaviour: ONNX Runtime 1.17.3 returns zeros in Y_h and Y_c of such a sequence. ONNX does not define the values. If the
# states pass from call to call, a stream without data in one call starts again from zero, without a warning.
#
# Relevance to users of gst-lstm: an application that runs batches of streams with ONNX Runtime, as a reference for `lstm` or
# upstream of it, must copy the states of idle streams around the call. liblstm keeps h and c over masked steps.
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

# Two sequences, three steps, one unit. All W, R and inputs are 1.
cat >run.js <<'EOF'
const ort = require('onnxruntime-web');
const { onnx } = require('./node_modules/onnxruntime-web/lib/onnxjs/ort-schema/protobuf/onnx');
const { version } = require('./node_modules/onnxruntime-web/package.json');

const { FLOAT, INT32 } = onnx.TensorProto.DataType;
const weight = name => ({ name, dims: [1, 4, 1], dataType: FLOAT, floatData: [1, 1, 1, 1] });
const value = (name, dims, elemType = FLOAT) =>
    ({ name, type: { tensorType: { elemType, shape: { dim: dims.map(n => ({ dimValue: n })) } } } });
const state = name => value(name, [1, 2, 1]);
const model = {
  irVersion: 7,
  opsetImport: [{ domain: '', version: 14 }],
  graph: {
    name: 'empty',
    node: [{
      opType: 'LSTM',
      input: ['X', 'W', 'R', '', 'sequence_lens', 'initial_h', 'initial_c'], output: ['', 'Y_h', 'Y_c'],
      attribute: [{ name: 'hidden_size', type: onnx.AttributeProto.AttributeType.INT, i: 1 }],
    }],
    initializer: [weight('W'), weight('R')],
    input: [value('X', [3, 2, 1]), value('sequence_lens', [2], INT32), state('initial_h'), state('initial_c')],
    output: [state('Y_h'), state('Y_c')],
  },
};
const floats = (values, dims) => new ort.Tensor('float32', new Float32Array(values), dims);
const show = tensor => Array.from(tensor.data, x => x.toFixed(4)).join(' ');

async function main() {
  ort.env.wasm.numThreads = 1;
  const bytes = onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();
  const session = await ort.InferenceSession.create(new Uint8Array(bytes));

  console.log('onnxruntime-web', version);
  console.log('initial_h 0.2500 0.2500, initial_c 0.5000 0.5000');
  for (const lengths of [[3, 1], [3, 0], [0, 0]]) {
    const { Y_h, Y_c } = await session.run({
      X: floats([1, 1, 1, 1, 1, 1], [3, 2, 1]),
      sequence_lens: new ort.Tensor('int32', new Int32Array(lengths), [2]),
      initial_h: floats([0.25, 0.25], [1, 2, 1]),
      initial_c: floats([0.5, 0.5], [1, 2, 1]),
    });
    console.log(`sequence_lens ${lengths.join(' ')}: Y_h ${show(Y_h)}, Y_c ${show(Y_c)}`);
  }
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
EOF

cat >expected <<'EOF'
onnxruntime-web 1.17.3
initial_h 0.2500 0.2500, initial_c 0.5000 0.5000
sequence_lens 3 1: Y_h 0.8345 0.6071, Y_c 2.2102 1.0480
sequence_lens 3 0: Y_h 0.8345 0.0000, Y_c 2.2102 0.0000
sequence_lens 0 0: Y_h 0.0000 0.0000, Y_c 0.0000 0.0000
EOF
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: a sequence without a step loses its state"
