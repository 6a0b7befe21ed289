// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {Vm, vm} from "../test/Vm.t.sol";
import {Grant, Objection, Revocation, RevocationItem, RevocationList} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

contract ConsentBatchesTest is ConsentExpectations {
    function test_aBatchSkipsAndReportsABadItem() public {
        bytes[] memory calls = new bytes[](4);
        calls[0] = grantCall(nextGrant(HANDLE, slot(0)));
        Grant memory bad = nextGrant(HANDLE, slot(1));
        bad.version = 7;
        calls[1] = grantCall(bad);
        calls[2] = hex"ab";
        calls[3] = grantCall(nextGrant(HANDLE, slot(2)));
        vm.expectEmit(address(consents));
        emit IConsentRegistry.BatchItemRefused(
            1,
            abi.encodeWithSelector(
                IConsentRegistry.ConsentVersionMismatch.selector, HANDLE, slot(1), 7, 1
            )
        );
        vm.expectEmit(address(consents));
        emit IConsentRegistry.BatchItemRefused(2, "");
        consents.batch(calls);
        for (uint256 i = 0; i < 3; ++i) {
            bool permits = consents.wordOf(HANDLE, slot(i)).stateOf() == ConsentState.Permit;
            vm.assertTrue(permits == (i != 1), "the others stand");
        }
    }

    function test_ofAGoodItemABatchReportsNothing() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = grantCall(nextGrant(HANDLE, slot(0)));
        calls[1] = grantCall(nextGrant(HANDLE, slot(1)));
        vm.recordLogs();
        consents.batch(calls);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "one event for each");
        for (uint256 i = 0; i < 2; ++i) {
            vm.assertEq(logs[i].topics[0], IConsentRegistry.ConsentGranted.selector, "granted");
        }
    }

    function test_aBatchHoldsAHundredItemsAndAListTwoHundredAndFiftySix() public {
        bytes[] memory calls = new bytes[](100);
        calls[99] = grantCall(nextGrant(HANDLE, SCOPE));
        consents.batch(calls);
        requireState(ConsentState.Permit, 1);
        send(list(256));
        vm.assertEq(consents.wordOf(HANDLE, slot(255)).versionOf(), 1, "the last");
    }

    function test_aBatchIsBoundedAndHoldsNone() public {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentListTooLong.selector, 101, 100));
        consents.batch(new bytes[](101));
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(IConsentRegistry.batch, (new bytes[](0)));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentBatchNested.selector));
        consents.batch(calls);
    }

    function test_anItemIsNotSkippedForWantOfGas() public {
        bytes[] memory calls = new bytes[](1);
        calls[0] = grantCall(nextGrant(HANDLE, SCOPE));
        // With too little the batch fails as a whole: an item that is good is never reported as refused.
        uint256 ranOut;
        for (uint256 gas_ = 10_000; gas_ <= 80_000; gas_ += 2500) {
            (bool success, bytes memory reason) =
                address(consents).call{gas: gas_}(abi.encodeCall(IConsentRegistry.batch, (calls)));
            if (success) {
                vm.assertTrue(consents.wordOf(HANDLE, SCOPE).stateOf() == ConsentState.Permit, "landed");
                break;
            }
            if (reason.length != 0) {
                bytes memory expected = abi.encodeWithSelector(IConsentRegistry.ConsentBatchGas.selector, 0);
                vm.assertEq(keccak256(reason), keccak256(expected), "reason");
                ++ranOut;
            }
        }
        vm.assertTrue(ranOut != 0, "never ran out");
    }

    function test_oneSignatureRevokesInManySlots() public {
        RevocationList memory r = list(3);
        send(nextGrant(HANDLE, slot(0)));
        send(Objection(HANDLE, slot(1), TERMS, 0));
        send(Objection(HANDLE, slot(2), TERMS, 5));
        r.items[0].upToVersion = 1;
        r.items[1].upToVersion = 1;
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentUnchanged(HANDLE, slot(2), 0, 6);
        send(r);
        vm.assertTrue(stateAt(0) == ConsentState.Silent, "ended");
        vm.assertTrue(stateAt(1) == ConsentState.Objection, "an objection stays");
        vm.assertEq(consents.wordOf(HANDLE, slot(1)).versionOf(), 2, "version");
    }

    function test_theLastVersionInAListIsSkipped() public {
        RevocationList memory r = list(2);
        r.items[0].upToVersion = LAST;
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentUnchanged(HANDLE, slot(0), LAST, 0);
        send(r);
        vm.assertEq(consents.wordOf(HANDLE, slot(1)).versionOf(), 1, "the other landed");
    }

    function testFuzz_aListAlteredInAnyItemIsRefused(uint8 index, uint24 change, bool inScope) public {
        RevocationList memory r = list(4);
        bytes memory signature = sign(PATIENT_KEY, revocationListDigest(r));
        RevocationItem memory item = r.items[index % 4];
        if (inScope) item.scope = keccak256(abi.encode(change));
        else item.upToVersion = change == 0 ? 1 : change;
        vm.expectRevert(badSignature(PATIENT_KEY, revocationListDigest(r)));
        consents.revokeMany(r, signerOf(PATIENT_KEY), signature);
    }

    function test_aListIsBoundedAndTheOwners() public {
        RevocationList memory r = list(257);
        bytes memory signer = signerOf(PATIENT_KEY);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentListTooLong.selector, 257, 256));
        consents.revokeMany(r, signer, new bytes(65));
        r = list(1);
        bytes memory signature = sign(STRANGER_KEY, revocationListDigest(r));
        vm.expectRevert(notOwner(STRANGER_KEY));
        consents.revokeMany(r, signerOf(STRANGER_KEY), signature);
    }

    function test_whatBatchesCost() public {
        bytes[] memory calls = new bytes[](100);
        for (uint256 i = 0; i < 100; ++i) calls[i] = grantCall(nextGrant(HANDLE, slot(i)));
        consents.batch(calls);
        vm.snapshotGasLastCall("consent", "100 first grants in a batch");
        for (uint256 i = 0; i < 100; ++i) {
            Revocation memory r = Revocation(HANDLE, slot(i), 1);
            bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
            calls[i] = abi.encodeCall(IConsentRegistry.revoke, (r, signerOf(PATIENT_KEY), signature));
        }
        consents.batch(calls);
        vm.snapshotGasLastCall("consent", "100 revocations in a batch, signed singly");
        RevocationList memory all = list(100);
        for (uint256 i = 0; i < 100; ++i) all.items[i].upToVersion = 2;
        send(all);
        vm.snapshotGasLastCall("consent", "100 revocations under one signature");
    }

    function slot(uint256 index) private pure returns (bytes32) {
        return keccak256(abi.encode("slot", index));
    }

    function stateAt(uint256 index) private view returns (ConsentState) {
        ConsentWord word = consents.wordOf(HANDLE, slot(index));
        return word.stateOf();
    }

    function list(uint256 length) private pure returns (RevocationList memory) {
        RevocationItem[] memory items = new RevocationItem[](length);
        for (uint256 i = 0; i < length; ++i) items[i] = RevocationItem(slot(i), 0);
        return RevocationList(HANDLE, items);
    }

    function grantCall(Grant memory g) private view returns (bytes memory) {
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        return abi.encodeCall(IConsentRegistry.grant, (g, signerOf(PATIENT_KEY), signature));
    }

    function send(RevocationList memory r) private {
        consents.revokeMany(r, signerOf(PATIENT_KEY), sign(PATIENT_KEY, revocationListDigest(r)));
    }
}
