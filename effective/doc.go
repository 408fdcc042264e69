// SPDX-License-Identifier: Apache-2.0

// Package effective predicts which identity the code and the platform of a workload
// present, and says by which steps.
//
// What client libraries and hosts do is data: facts with a range of versions and a
// source, in the folder data. The package reads nothing of the outside, asks no endpoint
// and holds no token. It does not guess either: what an input does not tell leads to the
// set of answers that are possible, and a library that it has only read about is marked
// as such.
package effective
