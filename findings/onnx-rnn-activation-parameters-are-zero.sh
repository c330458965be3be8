#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: without activation_alpha and activation_beta, an activation of an ONNX RNN has the default parameters of its
# operator, as the specification states: LeakyRelu has alpha 0.01, HardSigmoid 0.2 and 0.5, Elu 1, ThresholdedRelu 1.
#
# Behaviour: the RNN of ONNX Runtime 1.17.3 computes with parameters of 0. LeakyRelu becomes relu, HardSigmoid is 0 for every
# input, Elu is 0 below 0, and ThresholdedRelu passes all numbers above 0. The GRU of the same version has the
# default parameters: with h = 0 a layer of one unit outputs (1 - HardSigmoid (1)) * tanh (1).
#
# Relevance to users of gst-lstm: lstm-convert reads an RNN node with the default parameters of the specification. The outputs
# of such a model differ from ONNX Runtime. A model that states activation_alpha and activation_beta has the same outputs.
#
# Needs: npm, Node.js. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >package.json <<'END'
{"private": true, "dependencies": {"onnxruntime-web": "1.17.3", "protobufjs": "7.6.6", "long": "5.3.2"}}
END
npm install --silent --ignore-scripts --no-audit --no-fund

# A layer has one unit. All W are 1, and all R are 0. The input is one step.
cat >run.js <<'END'
const ort = require('onnxruntime-web');
const { onnx } = require('./node_modules/onnxruntime-web/lib/onnxjs/ort-schema/protobuf/onnx');
const { version } = require('./node_modules/onnxruntime-web/package.json');

const AttributeType = onnx.AttributeProto.AttributeType, FLOAT = onnx.TensorProto.DataType.FLOAT;
const weight = (name, gates, value) => ({ name, dims: [1, gates, 1], dataType: FLOAT, floatData: Array(gates).fill(value) });
const value = (name, dims) =>
    ({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map(n => ({ dimValue: n })) } } } });
const floats = (name, values) => ({ name, type: AttributeType.FLOATS, floats: values });

// Returns Y of one step of input x.
async function run(opType, gates, activations, x, parameters = []) {
  const strings = activations.map(name => new TextEncoder().encode(name));
  const node = { opType, input: ['X', 'W', 'R'], output: ['Y'],
    attribute: [{ name: 'hidden_size', type: AttributeType.INT, i: 1 },
      { name: 'activations', type: AttributeType.STRINGS, strings }, ...parameters] };
  const model = { irVersion: 7, opsetImport: [{ domain: '', version: 14 }],
    graph: { name: 'g', node: [node], initializer: [weight('W', gates, 1), weight('R', gates, 0)],
      input: [value('X', [1, 1, 1])], output: [value('Y', [1, 1, 1, 1])] } };
  const bytes = onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();
  const session = await ort.InferenceSession.create(new Uint8Array(bytes));
  const X = new ort.Tensor('float32', new Float32Array([x]), [1, 1, 1]);
  return (await session.run({ X })).Y.data[0].toFixed(4);
}

async function main() {
  ort.env.wasm.numThreads = 1;
  console.log('onnxruntime-web', version);
  console.log('RNN LeakyRelu (-1)             ', await run('RNN', 1, ['LeakyRelu'], -1));
  console.log('RNN LeakyRelu (-1), alpha .01  ', await run('RNN', 1, ['LeakyRelu'], -1, [floats('activation_alpha', [.01])]));
  console.log('RNN HardSigmoid (1)            ', await run('RNN', 1, ['HardSigmoid'], 1));
  console.log('RNN HardSigmoid (1), .2 and .5 ', await run('RNN', 1, ['HardSigmoid'], 1,
      [floats('activation_alpha', [.2]), floats('activation_beta', [.5])]));
  console.log('RNN Elu (-1)                   ', await run('RNN', 1, ['Elu'], -1));
  console.log('RNN Elu (-1), alpha 1          ', await run('RNN', 1, ['Elu'], -1, [floats('activation_alpha', [1])]));
  console.log('RNN ThresholdedRelu (.5)       ', await run('RNN', 1, ['ThresholdedRelu'], .5));
  console.log('GRU HardSigmoid and Tanh (1)   ', await run('GRU', 3, ['HardSigmoid', 'Tanh'], 1));
  console.log('(1 - HardSigmoid (1)) * tanh 1 ', ((1 - .7) * Math.tanh(1)).toFixed(4));
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
END

cat >expected <<'END'
onnxruntime-web 1.17.3
RNN LeakyRelu (-1)              0.0000
RNN LeakyRelu (-1), alpha .01   -0.0100
RNN HardSigmoid (1)             0.0000
RNN HardSigmoid (1), .2 and .5  0.7000
RNN Elu (-1)                    0.0000
RNN Elu (-1), alpha 1           -0.6321
RNN ThresholdedRelu (.5)        0.5000
GRU HardSigmoid and Tanh (1)    0.2285
(1 - HardSigmoid (1)) * tanh 1  0.2285
END
timeout 120 node run.js | tee seen
diff expected seen
echo "as expected: an RNN without parameters of activations computes with 0"
