// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant} from "../consent/ConsentTypes.sol";
import {ConsentState} from "../consent/ConsentWord.sol";
import {Passkeys} from "../test/Passkeys.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {Signers} from "./Signers.sol";

contract PasskeyVerifierTest is Passkeys {
    function setUp() public override {
        super.setUp();
        bindPasskey();
    }

    function test_aPasskeyOwnsLocksAndGrants() public {
        bytes memory signer = passkeySigner();
        vm.assertTrue(patients.isOwner(PASSKEY_HANDLE, keccak256(signer)), "owner");
        Grant memory g = nextGrant(PASSKEY_HANDLE, SCOPE);
        consents.grant(g, signer, passkeySign(grantDigest(g)));
        vm.assertTrue(consents.wordOf(PASSKEY_HANDLE, SCOPE).stateOf() == ConsentState.Permit, "permit");
        patients.lock(PASSKEY_HANDLE, 0, signer, passkeySign(lockDigest(PASSKEY_HANDLE, 0)));
        vm.assertEq(epochOf(PASSKEY_HANDLE), 1, "locked");
    }

    function testFuzz_everyDigestIsSignedByItsOwnAssertionOnly(bytes32 digest, bytes32 other) public view {
        bytes memory key = keyOf(passkeySigner());
        vm.assertTrue(passkeys.verify(key, digest, passkeySign(digest)), "own");
        if (digest == other) return;
        (bool success, ) = address(passkeys).staticcall(
            abi.encodeCall(IPasskeyVerifier.verify, (key, digest, passkeySign(other)))
        );
        vm.assertTrue(!success, "other");
    }

    function test_anAssertionOfAnotherDigestIsRefused() public {
        Assertion memory a = assertion(keccak256("something else"));
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyChallengeInvalid.selector, 23, 23));
    }

    function test_anotherRelyingPartyIsRefused() public {
        Assertion memory a = assertion(digestToSign());
        a.rpIdHash = sha256("evil.example");
        refuses(
            a,
            abi.encodeWithSelector(
                IPasskeyVerifier.PasskeyRelyingPartyMismatch.selector, a.rpIdHash, RELYING_PARTY
            )
        );
    }

    function test_aRelyingPartyThatWasNotRegisteredIsAnotherSigner() public {
        (uint256 x, uint256 y) = vm.publicKeyP256(PASSKEY);
        Assertion memory a = assertion(digestToSign());
        a.rpIdHash = sha256("evil.example");
        bytes memory signer = abi.encodePacked(address(passkeys), x, y, a.rpIdHash);
        bytes memory signature = passkeySign(a);
        vm.expectRevert(
            abi.encodeWithSignature(
                "PatientSignerNotOwner(bytes32,bytes32)", PASSKEY_HANDLE, keccak256(signer)
            )
        );
        patients.lock(PASSKEY_HANDLE, 0, signer, signature);
    }

    function testFuzz_anAuthenticatorThatCountsIsRefused(uint32 counter) public {
        if (counter == 0) counter = 1;
        Assertion memory a = assertion(digestToSign());
        a.counter = counter;
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyCounterNotZero.selector, counter));
    }

    function testFuzz_theUserMustBePresentAndVerified(uint8 flags) public {
        Assertion memory a = assertion(digestToSign());
        a.flags = bytes1(flags & ~uint8(flags % 2 == 0 ? 1 : 4));
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyUserNotVerified.selector, a.flags));
    }

    function test_aKeyThatIsBackedUpIsOneThatCanBe() public {
        Assertion memory a = assertion(digestToSign());
        a.flags = 0x15;
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyFlagsInvalid.selector, a.flags));
        a.flags = 0x1d;
        send(a);
        vm.assertEq(epochOf(PASSKEY_HANDLE), 1, "locked");
    }

    function test_aRegistrationIsNoAssertion() public {
        Assertion memory a = assertion(digestToSign());
        a.clientData = clientData("webauthn.create", digestToSign());
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyTypeInvalid.selector, 1, 1));
    }

    function testFuzz_shiftedIndicesAreRefused(uint256 index) public {
        Assertion memory a = assertion(digestToSign());
        a.typeIndex = index == 1 ? 2 : index;
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyTypeInvalid.selector, a.typeIndex, 1));
        a = assertion(digestToSign());
        a.challengeIndex = index == 23 ? 22 : index;
        refuses(
            a,
            abi.encodeWithSelector(IPasskeyVerifier.PasskeyChallengeInvalid.selector, a.challengeIndex, 23)
        );
    }

    function test_aChallengeFurtherOnDoesNotCount() public {
        Assertion memory a = assertion(keccak256("something else"));
        string memory hidden = clientData("webauthn.get", digestToSign());
        a.clientData = string.concat(a.clientData, hidden);
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyChallengeInvalid.selector, 23, 23));
    }

    function test_clientDataThatIsCutOffIsRefused() public {
        Assertion memory a = assertion(digestToSign());
        a.clientData = "{\"type\":\"webauthn.get\",";
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyChallengeInvalid.selector, 23, 23));
        a.clientData = "{\"type\":\"webauthn.get\"";
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyTypeInvalid.selector, 1, 1));
        a.clientData = "{";
        refuses(a, abi.encodeWithSelector(IPasskeyVerifier.PasskeyTypeInvalid.selector, 1, 1));
    }

    function test_aSignatureEncodedAsATupleIsRefused() public {
        Assertion memory a = assertion(digestToSign());
        bytes memory tuple = abi.encodePacked(uint256(32), passkeySign(a));
        bytes memory signer = passkeySigner();
        vm.expectRevert(abi.encodeWithSelector(IPasskeyVerifier.PasskeyEncodingInvalid.selector, tuple.length));
        patients.lock(PASSKEY_HANDLE, 0, signer, tuple);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyVerifier.PasskeyEncodingInvalid.selector, 65));
        patients.lock(PASSKEY_HANDLE, 0, signer, new bytes(65));
    }

    function test_authenticatorDataThatIsTooShortIsRefused() public {
        Assertion memory a = assertion(digestToSign());
        (bytes32 r, bytes32 s, bytes memory data) = signed(a);
        assembly ("memory-safe") {
            mstore(data, 36)
        }
        bytes memory signature = abi.encode(r, s, 23, 1, data, a.clientData);
        bytes memory signer = passkeySigner();
        vm.expectRevert(abi.encodeWithSelector(IPasskeyVerifier.PasskeyDataTooShort.selector, 36));
        patients.lock(PASSKEY_HANDLE, 0, signer, signature);
    }

    function test_aSignatureWithHighSIsRefused() public {
        Assertion memory a = assertion(digestToSign());
        (bytes32 r, bytes32 s, bytes memory data) = signed(a);
        bytes32 twin = bytes32(P256_ORDER - uint256(s));
        bytes memory signer = passkeySigner();
        bytes memory signature = abi.encode(r, twin, 23, 1, data, a.clientData);
        vm.expectRevert(
            abi.encodeWithSelector(Signers.SignerBadSignature.selector, keccak256(signer), digestToSign())
        );
        patients.lock(PASSKEY_HANDLE, 0, signer, signature);
    }

    function test_aVerifierThatIsNotListedIsNeverCalled() public {
        bytes memory signer = passkeySigner();
        bytes memory signature = passkeySign(digestToSign());
        address stranger = address(new EverythingGoes());
        assembly ("memory-safe") {
            mstore(add(signer, 32), or(shl(96, stranger), shr(160, shl(160, mload(add(signer, 32))))))
        }
        bytes memory refusal = abi.encodeWithSelector(Signers.SignerVerifierUnknown.selector, stranger);
        vm.expectRevert(refusal);
        patients.lock(PASSKEY_HANDLE, 0, signer, signature);
        Grant memory g = nextGrant(PASSKEY_HANDLE, SCOPE);
        vm.expectRevert(refusal);
        consents.grant(g, signer, signature);
    }

    function testFuzz_aKeyOfAnotherLengthIsRefused(bytes calldata key) public {
        if (key.length == 96) return;
        bytes memory signature = passkeySign(digestToSign());
        vm.expectRevert(abi.encodeWithSelector(IPasskeyVerifier.PasskeyKeyInvalid.selector, key.length));
        passkeys.verify(key, digestToSign(), signature);
    }

    function test_whatAPasskeyCosts() public {
        bytes memory signer = passkeySigner();
        Grant memory g = nextGrant(PASSKEY_HANDLE, SCOPE);
        bytes memory signature = passkeySign(grantDigest(g));
        consents.grant(g, signer, signature);
        vm.snapshotGasLastCall("consent", "grant by passkey with precompile, first");
        g = nextGrant(PASSKEY_HANDLE, SCOPE);
        signature = passkeySign(grantDigest(g));
        consents.grant(g, signer, signature);
        vm.snapshotGasLastCall("consent", "grant by passkey with precompile, again");
    }

    function digestToSign() private view returns (bytes32) {
        return lockDigest(PASSKEY_HANDLE, 0);
    }

    function send(Assertion memory a) private {
        patients.lock(PASSKEY_HANDLE, 0, passkeySigner(), passkeySign(a));
    }

    function refuses(Assertion memory a, bytes memory refusal) private {
        bytes memory signer = passkeySigner();
        bytes memory signature = passkeySign(a);
        vm.expectRevert(refusal);
        patients.lock(PASSKEY_HANDLE, 0, signer, signature);
    }

    function keyOf(bytes memory signer) private pure returns (bytes memory key) {
        key = new bytes(96);
        for (uint256 i = 0; i < 96; ++i) key[i] = signer[20 + i];
    }
}

/// @dev A verifier that a thief would like to be asked.
contract EverythingGoes is IPasskeyVerifier {
    function verify(bytes calldata, bytes32, bytes calldata) external pure returns (bool) {
        return true;
    }
}
