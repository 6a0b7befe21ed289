// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant, Objection, Revocation, Withdrawal} from "../consent/ConsentTypes.sol";
import {Deployment} from "./Deployment.t.sol";

/// @title Consent acts, built, signed and sent
abstract contract Acts is Deployment {
    string private constant SCOPE_TYPE = "Scope(string granteeType,string grantee,string purpose,bytes32 salt)";
    string private constant TERMS_TYPE =
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)";

    bytes32 internal constant SCOPE = keccak256("a scope");
    bytes32 internal constant TERMS = keccak256("some terms");

    /// @dev The next grant that would land, for a year.
    function nextGrant(bytes32 handle, bytes32 scope) internal view returns (Grant memory) {
        uint32 epoch = epochOf(handle);
        uint24 version = consents.wordOf(handle, scope).versionOf() + 1;
        return Grant(handle, scope, TERMS, TODAY, TODAY + 365, 0, version, epoch, DEADLINE);
    }

    function nextWithdrawal(bytes32 handle, bytes32 scope) internal view returns (Withdrawal memory) {
        uint32 epoch = epochOf(handle);
        uint24 version = consents.wordOf(handle, scope).versionOf() + 1;
        return Withdrawal(handle, scope, version, epoch, DEADLINE);
    }

    function send(Grant memory g) internal {
        send(g, PATIENT_KEY);
    }

    function send(Grant memory g, uint256 key) internal {
        consents.grant(g, signerOf(key), sign(key, grantDigest(g)));
    }

    function send(Revocation memory r) internal {
        consents.revoke(r, signerOf(PATIENT_KEY), sign(PATIENT_KEY, revocationDigest(r)));
    }

    function send(Objection memory o) internal {
        consents.object(o, signerOf(PATIENT_KEY), sign(PATIENT_KEY, objectionDigest(o)));
    }

    function send(Withdrawal memory w) internal {
        consents.withdrawObjection(w, signerOf(PATIENT_KEY), sign(PATIENT_KEY, withdrawalDigest(w)));
    }

    function grantDigest(Grant memory g) internal view returns (bytes32) {
        string memory main =
            "Grant(bytes32 handle,Scope scope,Terms terms,uint16 fromDay,uint16 untilDay,uint8 flags,uint24 version,uint32 epoch,uint64 deadline)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE, TERMS_TYPE));
        return consentDigest(
            keccak256(
                abi.encode(
                    typeHash,
                    g.handle,
                    g.scope,
                    g.terms,
                    g.fromDay,
                    g.untilDay,
                    g.flags,
                    g.version,
                    g.epoch,
                    g.deadline
                )
            )
        );
    }

    function revocationDigest(Revocation memory r) internal view returns (bytes32) {
        string memory main = "Revocation(bytes32 handle,Scope scope,uint24 upToVersion)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE));
        return consentDigest(keccak256(abi.encode(typeHash, r.handle, r.scope, r.upToVersion)));
    }

    function objectionDigest(Objection memory o) internal view returns (bytes32) {
        string memory main = "Objection(bytes32 handle,Scope scope,Terms terms,uint24 upToVersion)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE, TERMS_TYPE));
        return consentDigest(keccak256(abi.encode(typeHash, o.handle, o.scope, o.terms, o.upToVersion)));
    }

    function withdrawalDigest(Withdrawal memory w) internal view returns (bytes32) {
        string memory main = "Withdrawal(bytes32 handle,Scope scope,uint24 version,uint32 epoch,uint64 deadline)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE));
        return consentDigest(keccak256(abi.encode(typeHash, w.handle, w.scope, w.version, w.epoch, w.deadline)));
    }

    function consentDigest(bytes32 structHash) internal view returns (bytes32) {
        return digestOf("Wayleave Consent", address(consents), structHash);
    }
}
