// SPDX-License-Identifier: Apache-2.0

// Package probe finds out at run time, inside of a workload, which identity its code
// presents: it sends the requests that client libraries would send, in their order, and
// looks at the tokens that come back.
//
// Of a token it keeps a few claims and drops the rest at once: no token is printed,
// stored or sent anywhere. It asks only those endpoints that the variables and the host
// lead to, and changes nothing.
package probe
