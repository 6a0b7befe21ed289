// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signers} from "../patients/Signers.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Grant, Objection, Revocation} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

contract ConsentGrantingTest is ConsentExpectations {
    function testFuzz_aGrantIsOneWordThatHoldsAllOfIt(
        bytes32 scope,
        bytes32 terms,
        uint16 length,
        uint16 fromDay,
        uint8 flags
    ) public {
        length %= 3654;
        if (fromDay < TODAY - length) fromDay = TODAY - length;
        if (fromDay > type(uint16).max - length) fromDay = type(uint16).max - length;
        Grant memory g = nextGrant(HANDLE, scope);
        (g.terms, g.fromDay, g.untilDay, g.flags) = (terms, fromDay, fromDay + length, flags & 11);

        uint256 expected = uint256(uint160(uint256(terms)));
        expected |= NOW << 160;
        expected |= uint256(1) << 192;
        expected |= uint256(g.untilDay) << 216;
        expected |= uint256(g.fromDay) << 232;
        expected |= uint256(g.flags) << 248;
        expected |= uint256(1) << 254;
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(
            HANDLE, scope, ConsentWord.wrap(expected), signerHashOf(PATIENT_KEY)
        );
        send(g);
        vm.assertEq(ConsentWord.unwrap(consents.wordOf(HANDLE, scope)), expected, "word");
    }

    function testFuzz_anybodySendsAGrant(address sender) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        vm.prank(sender);
        consents.grant(g, signerOf(PATIENT_KEY), signature);
        requireState(ConsentState.Permit, 1);
    }

    function testFuzz_aGrantAlteredInAnyFieldIsRefused(uint8 field, uint64 change) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        field %= 6;
        if (field == 0) g.scope = keccak256(abi.encode(change));
        if (field == 1) g.terms = keccak256(abi.encode(change));
        if (field == 2) g.fromDay -= uint16(1 + (change % 1000));
        if (field == 3) g.untilDay += uint16(1 + (change % 1000));
        if (field == 4) g.flags = uint8(1 + (change % 3));
        if (field == 5) g.deadline += 1 + (change % 1000);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signerOf(PATIENT_KEY), signature);
    }

    function test_aGrantIsNotReplayed() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        vm.expectRevert(versionMismatch(1, 2));
        send(g);
    }

    function test_aGrantIsNotReplayedAfterRevocation() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        send(Revocation(HANDLE, SCOPE, 1));
        vm.expectRevert(versionMismatch(1, 3));
        send(g);
    }

    function testFuzz_aGrantNamesTheExactNextVersion(uint24 version) public {
        if (version == 1) version = 2;
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.version = version;
        vm.expectRevert(versionMismatch(version, 1));
        send(g);
    }

    function test_aGrantReplacesAGrantAndAnObjection() public {
        send(nextGrant(HANDLE, SCOPE));
        send(nextGrant(HANDLE, SCOPE));
        requireState(ConsentState.Permit, 2);
        send(Objection(HANDLE, SCOPE, TERMS, 2));
        requireState(ConsentState.Objection, 3);
        send(nextGrant(HANDLE, SCOPE));
        requireState(ConsentState.Permit, 4);
    }

    function test_aLateGrantIsRefused() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed());
        send(g);
        vm.warp(DEADLINE);
        send(g);
    }

    function test_aPeriodBeginsBeforeItEndsAndLastsAtMostTenYears() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.fromDay, g.untilDay) = (TODAY + 1, TODAY);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodInverted.selector, TODAY + 1, TODAY)
        );
        send(g);
        (g.fromDay, g.untilDay) = (TODAY, TODAY + 3654);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodTooLong.selector, TODAY, TODAY + 3654, 3653)
        );
        send(g);
    }

    function test_aPeriodLastsOneDayOrTenYears() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.untilDay = TODAY + 3653;
        send(g);
        g.version = 2;
        g.untilDay = TODAY;
        send(g);
        requireState(ConsentState.Permit, 2);
    }

    function test_aPeriodEndsWithTheLastSecondOfItsLastDay() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.untilDay, g.deadline) = (TODAY, type(uint64).max);
        vm.warp((uint256(TODAY) + 1) * 1 days);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentPeriodOver.selector, TODAY, TODAY + 1));
        send(g);
        vm.warp((uint256(TODAY) + 1) * 1 days - 1);
        send(g);
        requireState(ConsentState.Permit, 1);
    }

    function test_aPeriodThatIsOverIsRefused() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.fromDay, g.untilDay) = (TODAY - 9, TODAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentPeriodOver.selector, TODAY - 1, TODAY));
        send(g);
        g.untilDay = TODAY;
        send(g);
    }

    function testFuzz_unknownFlagsAreRefused(uint8 flags) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = flags | 16;
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentFlagsUnknown.selector, g.flags));
        send(g);
    }

    function test_nothingIsGrantedOnAnUnboundHandle() public {
        Grant memory g = nextGrant(keccak256("unbound"), SCOPE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleUnbound.selector, g.handle));
        send(g);
    }

    function testFuzz_nobodyButTheOwnerGrants(uint256 key) public {
        key = 1 + (key % type(uint128).max);
        if (key == PATIENT_KEY) return;
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(notOwner(key));
        send(g, key);

        bytes memory forged = sign(key, grantDigest(g));
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signerOf(PATIENT_KEY), forged);
    }

    function test_nothingIsGrantedWhileLocked() public {
        lockHandle(HANDLE, 0);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleLocked.selector, HANDLE));
        send(g);
        unlockHandle(HANDLE, 1);
        send(g);
    }

    function test_aGrantSignedBeforeALockIsVoidAfterIt() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        lockHandle(HANDLE, 0);
        unlockHandle(HANDLE, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentEpochMismatch.selector, HANDLE, 0, 1));
        send(g);
    }

    function test_aSignatureForAnotherChainOrContractGrantsNothing() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory here = sign(PATIENT_KEY, grantDigest(g));
        bytes memory signer = signerOf(PATIENT_KEY);
        vm.chainId(4711);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signer, here);

        bytes32 asRevocation = revocationDigest(Revocation(HANDLE, SCOPE, 1));
        bytes memory other = sign(PATIENT_KEY, asRevocation);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signer, other);
    }

    function test_aSignerOfAnotherKindIsNotSupported() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerNotSupported.selector, 84));
        consents.grant(g, new bytes(84), signature);
    }
}
