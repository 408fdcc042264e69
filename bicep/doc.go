// SPDX-License-Identifier: Apache-2.0

// Package bicep reads the Bicep language: text becomes tokens, tokens a tree with positions, and the tree an ARM
// template of language version 2.0 that package armtemplate evaluates, every value with its place in the Bicep file.
// A file with faults is read to the end and its faults are reported.
//
// It refuses to read files (the caller gives a Loader), to reach a registry, and to judge properties of resources: it
// knows no Azure types, and checks types only as far as evaluation needs them.
package bicep
