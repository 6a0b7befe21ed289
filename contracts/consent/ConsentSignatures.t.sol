// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {Signers} from "../patients/Signers.sol";
import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {
    Backing,
    Grant,
    Objection,
    Renewal,
    Revocation,
    RevocationItem,
    RevocationList,
    Withdrawal
} from "./ConsentTypes.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title Every field of what is signed about consents is covered by the signature
/// @dev What is sent would land each time, and does in the end; what was signed differs from it in one field.
contract ConsentSignaturesTest is Acts {
    bytes32 private constant OTHER = keccak256("another");
    uint256 private constant DESK_KEY = 0xDE5C;

    function test_ofAGrant() public {
        for (uint256 field = 0; field <= 12; ++field) {
            (Grant memory g, Grant memory sent) = (nextGrant(HANDLE, SCOPE), nextGrant(HANDLE, SCOPE));
            bytes32 digest = grantDigest(g);
            if (field == 0) g.handle = OTHER;
            if (field == 1) g.scope = OTHER;
            if (field == 2) g.terms = OTHER;
            if (field == 3) --g.fromDay;
            if (field == 4) ++g.untilDay;
            if (field == 5) g.flags = 1;
            if (field == 6) g.flags = 2;
            if (field == 7) g.flags = 4;
            if (field == 8) g.flags = 8;
            if (field == 9) ++g.version;
            if (field == 10) ++g.epoch;
            if (field == 11) ++g.deadline;
            bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
            if (field < 12) refuses(digest);
            consents.grant(sent, patient(), signature);
        }
    }

    function test_ofARenewal() public {
        send(nextGrant(HANDLE, SCOPE));
        for (uint256 field = 0; field <= 7; ++field) {
            Renewal memory r = Renewal(HANDLE, SCOPE, TERMS, TODAY + 9, 2, 0, DEADLINE);
            bytes32 digest = renewalDigest(r);
            if (field == 0) r.handle = OTHER;
            if (field == 1) r.scope = OTHER;
            // The slot holds 160 bits of it, the signature all.
            if (field == 2) r.terms = bytes32(uint256(TERMS) ^ (1 << 200));
            if (field == 3) ++r.untilDay;
            if (field == 4) ++r.version;
            if (field == 5) ++r.epoch;
            if (field == 6) ++r.deadline;
            bytes memory signature = sign(PATIENT_KEY, renewalDigest(r));
            if (field < 7) refuses(digest);
            consents.renew(
                Renewal(HANDLE, SCOPE, TERMS, TODAY + 9, 2, 0, DEADLINE), new bytes32[](0), patient(), signature
            );
        }
    }

    function test_ofARevocation() public {
        for (uint256 field = 0; field <= 3; ++field) {
            Revocation memory r = Revocation(HANDLE, SCOPE, 3);
            bytes32 digest = revocationDigest(r);
            if (field == 0) r.handle = OTHER;
            if (field == 1) r.scope = OTHER;
            if (field == 2) ++r.upToVersion;
            bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
            if (field < 3) refuses(digest);
            consents.revoke(Revocation(HANDLE, SCOPE, 3), patient(), signature);
        }
    }

    function test_ofAListOfRevocations() public {
        for (uint256 field = 0; field <= 7; ++field) {
            RevocationList memory r = list();
            bytes32 digest = revocationListDigest(r);
            if (field == 0) r.handle = OTHER;
            if (field == 1) r.items[0].scope = keccak256("a third");
            if (field == 2) r.items[1].scope = keccak256("a third");
            if (field == 3) ++r.items[0].upToVersion;
            if (field == 4) ++r.items[1].upToVersion;
            if (field == 5) (r.items[0], r.items[1]) = (r.items[1], r.items[0]);
            if (field == 6) r.items = new RevocationItem[](0);
            bytes memory signature = sign(PATIENT_KEY, revocationListDigest(r));
            if (field < 7) refuses(digest);
            consents.revokeMany(list(), patient(), signature);
        }
    }

    function test_ofAnObjection() public {
        for (uint256 field = 0; field <= 4; ++field) {
            Objection memory o = Objection(HANDLE, SCOPE, TERMS, 3);
            bytes32 digest = objectionDigest(o);
            if (field == 0) o.handle = OTHER;
            if (field == 1) o.scope = OTHER;
            if (field == 2) o.terms = OTHER;
            if (field == 3) ++o.upToVersion;
            bytes memory signature = sign(PATIENT_KEY, objectionDigest(o));
            if (field < 4) refuses(digest);
            consents.object(Objection(HANDLE, SCOPE, TERMS, 3), patient(), signature);
        }
    }

    function test_ofAWithdrawal() public {
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        for (uint256 field = 0; field <= 5; ++field) {
            Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
            Withdrawal memory sent = nextWithdrawal(HANDLE, SCOPE);
            bytes32 digest = withdrawalDigest(w);
            if (field == 0) w.handle = OTHER;
            if (field == 1) w.scope = OTHER;
            if (field == 2) ++w.version;
            if (field == 3) ++w.epoch;
            if (field == 4) ++w.deadline;
            bytes memory signature = sign(PATIENT_KEY, withdrawalDigest(w));
            if (field < 5) refuses(digest);
            consents.withdrawObjection(sent, patient(), signature);
        }
    }

    function test_ofAnApproval() public {
        address desk = vm.addr(DESK_KEY);
        vm.prank(OPERATOR_A);
        members.setOperator(desk, true);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 4;
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        for (uint256 field = 0; field <= 2; ++field) {
            bytes32 signed = approvalDigest(field == 0 ? OTHER : grantHash(g), DEADLINE - (field == 1 ? 1 : 0));
            bytes memory approval = sign(DESK_KEY, signed);
            bytes memory call = abi.encodeCall(
                IConsentRegistry.grantWith, (g, Backing(new bytes32[](0), DEADLINE, approval), patient(), signature)
            );
            (bool success, bytes memory reason) = address(consents).call(call);
            vm.assertTrue(success == (field == 2), "an approval of something else");
            // The signature yields another account, which is nobody's.
            if (!success) {
                vm.assertEq(bytes32(bytes4(reason)), IMemberRegistry.MemberOperatorUnknown.selector, "reason");
            }
        }
    }

    function refuses(bytes32 digest) private {
        bytes32 signerHash = signerHashOf(PATIENT_KEY);
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHash, digest));
    }

    function list() private pure returns (RevocationList memory) {
        RevocationItem[] memory items = new RevocationItem[](2);
        items[0] = RevocationItem(SCOPE, 3);
        items[1] = RevocationItem(OTHER, 5);
        return RevocationList(HANDLE, items);
    }

    function patient() private pure returns (bytes memory) {
        return signerOf(PATIENT_KEY);
    }
}
