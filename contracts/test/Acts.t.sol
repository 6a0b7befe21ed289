// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant, Objection, Renewal, Revocation, RevocationList, Withdrawal} from "../consent/ConsentTypes.sol";
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
        return consentDigest(grantHash(g));
    }

    function grantHash(Grant memory g) internal pure returns (bytes32) {
        string memory main =
            "Grant(bytes32 handle,Scope scope,Terms terms,string from,string until,bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint24 version,uint32 epoch,uint64 deadline)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE, TERMS_TYPE));
        bytes memory words =
            abi.encode(typeHash, g.handle, g.scope, g.terms, dateHash(g.fromDay), dateHash(g.untilDay));
        for (uint256 bit = 0; bit < 4; ++bit) words = abi.encodePacked(words, uint256(g.flags >> bit) & 1);
        return keccak256(abi.encodePacked(words, abi.encode(g.version, g.epoch, g.deadline)));
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

    function renewalDigest(Renewal memory r) internal view returns (bytes32) {
        string memory main =
            "Renewal(bytes32 handle,Scope scope,Terms terms,string until,uint24 version,uint32 epoch,uint64 deadline)";
        bytes32 typeHash = keccak256(abi.encodePacked(main, SCOPE_TYPE, TERMS_TYPE));
        return consentDigest(
            keccak256(
                abi.encode(
                    typeHash, r.handle, r.scope, r.terms, dateHash(r.untilDay), r.version, r.epoch, r.deadline
                )
            )
        );
    }

    function revocationListDigest(RevocationList memory r) internal view returns (bytes32) {
        string memory item = "RevocationItem(Scope scope,uint24 upToVersion)";
        string memory main = "RevocationList(bytes32 handle,RevocationItem[] items)";
        bytes memory hashes;
        for (uint256 i = 0; i < r.items.length; ++i) {
            bytes32 itemType = keccak256(abi.encodePacked(item, SCOPE_TYPE));
            bytes32 one = keccak256(abi.encode(itemType, r.items[i].scope, r.items[i].upToVersion));
            hashes = abi.encodePacked(hashes, one);
        }
        bytes32 typeHash = keccak256(abi.encodePacked(main, item, SCOPE_TYPE));
        return consentDigest(keccak256(abi.encode(typeHash, r.handle, keccak256(hashes))));
    }

    function approvalDigest(bytes32 approved, uint64 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Approval(bytes32 grant,uint64 deadline)");
        return consentDigest(keccak256(abi.encode(typeHash, approved, deadline)));
    }

    function consentDigest(bytes32 structHash) internal view returns (bytes32) {
        return digestOf("Wayleave Consent", address(consents), structHash);
    }
}
