// SPDX-License-Identifier: Apache-2.0
// @azure/identity, used as the request on standard input says.
import { readFileSync } from "node:fs";
import { AzureLogger, setLogLevel } from "@azure/logger";
import * as identity from "@azure/identity"; // old versions lack some of the names

const scope = "https://vault.azure.net/.default";
let winner = "";
setLogLevel("info");
AzureLogger.log = (...args) => {
  const found = /Result for (\w+?)(?:Credential)?: SUCCESS/.exec(args.join(" "));
  if (found) winner = found[1];
};

function build(api, o) {
  const own = Object.fromEntries(["clientId", "resourceId", "objectId"].filter((k) => o[k]).map((k) => [k, o[k]]));
  switch (api) {
    case "DefaultAzureCredential": return new identity.DefaultAzureCredential(o);
    case "ManagedIdentityCredential": return new identity.ManagedIdentityCredential(own);
    case "WorkloadIdentityCredential": return new identity.WorkloadIdentityCredential({ ...own });
    case "Chain(MI,AzureCLI)": return new identity.ChainedTokenCredential(new identity.ManagedIdentityCredential(own), new identity.AzureCliCredential());
  }
  throw new Error(`api ${api} is not known`);
}

async function use(request) {
  let credential;
  try {
    credential = build(request.api, request.options);
  } catch (err) {
    return { outcome: "constructor_error", error: String(err) };
  }
  let out;
  for (let i = 0; i < Math.max(1, request.calls ?? 1); i++) {
    winner = "";
    try {
      const token = await credential.getToken(scope, { abortSignal: AbortSignal.timeout(200_000) });
      out = { outcome: "token", token: token.token, credential: winner || request.api.replace(/Credential$/, "") };
    } catch (err) {
      out = { outcome: "error", error: String(err) };
    }
  }
  return out;
}

const request = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await use(request)));
process.exit(0);
